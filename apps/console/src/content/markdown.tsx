import type { ReactNode } from 'react';
import ReactMarkdown, { type Components } from 'react-markdown';
import remarkGfm from 'remark-gfm';
import { AS_WRITTEN, showAll } from './show-all';

const PLUGINS = [remarkGfm, showAll];

const COMPONENTS: Components = {
  // Where a link leads is what one must see.
  a: ({ href, children }) =>
    href ? (
      <a href={href} target="_blank" rel="noopener noreferrer nofollow" title={href}>
        {children} <span className="text-dim">({addressOf(href, children)})</span>
      </a>
    ) : (
      <span>{children}</span>
    ),
  // Nothing is loaded from anywhere.
  img: ({ src, alt }) => (
    <span className="chip whitespace-normal">
      image{alt ? `: ${alt}` : ''} {typeof src === 'string' && src !== '' && `(${addressOf(src)})`} is not
      loaded
    </span>
  ),
};

/** Markdown as React elements: HTML in it stays text, and nothing that was written is left out. */
export function Markdown({ text }: { text: string }) {
  return (
    <div className="prose">
      <ReactMarkdown remarkPlugins={PLUGINS} remarkRehypeOptions={AS_WRITTEN} components={COMPONENTS}>
        {text}
      </ReactMarkdown>
    </div>
  );
}

/** The host first of all, then all the rest, unless the words say it. */
function addressOf(url: string, words?: ReactNode): string {
  if (!URL.canParse(url)) return url;
  const { protocol, host, username, password, pathname, search, hash } = new URL(url);
  if (words === url && host !== '') return host;
  if (!/^https?:$/.test(protocol)) return url;
  if (username !== '' || password !== '') return `${host}: ${url}`;
  return `${host}${`${pathname}${search}${hash}`.replace(/^\/$/, '')}`;
}
