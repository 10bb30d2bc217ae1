import ReactMarkdown, { type Components } from 'react-markdown';
import remarkGfm from 'remark-gfm';

const PLUGINS = [remarkGfm];

const COMPONENTS: Components = {
  // Where a link leads is what one must see.
  a: ({ href, children }) =>
    href ? (
      <a href={href} target="_blank" rel="noopener noreferrer nofollow" title={href}>
        {children} <span className="text-dim">({hostOf(href)})</span>
      </a>
    ) : (
      <span>{children}</span>
    ),
  // Nothing is loaded from anywhere.
  img: ({ src, alt }) => (
    <span className="chip">
      image{alt ? `: ${alt}` : ''} {typeof src === 'string' && src !== '' && `(${hostOf(src)})`} is not loaded
    </span>
  ),
};

/** Markdown as React elements; HTML in it stays text. */
export function Markdown({ text }: { text: string }) {
  return (
    <div className="prose">
      <ReactMarkdown remarkPlugins={PLUGINS} components={COMPONENTS}>
        {text}
      </ReactMarkdown>
    </div>
  );
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host || new URL(url).protocol : url.slice(0, 60);
}
