import { memo, startTransition, useEffect, useMemo, useState } from 'react';
import { Editor } from '../editor/part';
import { Button } from '../ui/button';
import { part } from '../ui/part';
import { clip, isTooDeep, visible } from '../text/hygiene';
import { isJsonText } from './json-text';
import { splitMarkdown } from './split-markdown';

const Markdown = part('the formatted text', () => import('./markdown').then((file) => file.Markdown));

/** Characters of a text that are shown as markdown; longer ones are shown plain, and cut until one wants all. */
const MAX_MARKDOWN_LENGTH = 40_000;
/** Characters of markdown that are formatted in one go: more would keep the page from answering. */
const PIECE = 2500;
/** How long a browser without idle callbacks waits between two pieces, in milliseconds. */
const IDLE_MS = 20;

/** Untrusted text, readable: markdown without HTML and without images, JSON as it is written, and nothing in it unseen. */
export function Prose({ text, label }: { text: string; label: string }) {
  const [all, setAll] = useState(false);
  if (text === '') return <p className="text-dim italic">empty</p>;
  if (all) return <LongText text={text} label={label} />;
  const { text: shown, cut } = clip(text, MAX_MARKDOWN_LENGTH);
  return (
    <>
      {isJsonText(shown) ? (
        <pre className="as-written mono" dir="ltr">
          {visible(shown)}
        </pre>
      ) : cut || isTooDeep(shown) ? (
        <Plain text={visible(shown)} />
      ) : (
        <Pieces key={shown} text={visible(shown)} />
      )}
      {cut && (
        <Button className="mt-2" onClick={() => setAll(true)}>
          Show all {text.length.toLocaleString('en')} characters
        </Button>
      )}
    </>
  );
}

function Plain({ text }: { text: string }) {
  return (
    <p className="as-written" dir="auto">
      {text}
    </p>
  );
}

/** Markdown that is formatted piece by piece while nothing else is to do; what is not yet is there as it was written. */
function Pieces({ text }: { text: string }) {
  const pieces = useMemo(() => splitMarkdown(text, PIECE), [text]);
  const [formatted, setFormatted] = useState(1);
  useEffect(() => {
    if (formatted >= pieces.length) return undefined;
    let task: number | undefined;
    let isGone = false;
    const more = (): void => startTransition(() => setFormatted(formatted + 1));
    // What is not there yet would come all at once.
    void Markdown.preload().then(() => {
      if (isGone) return;
      task = 'requestIdleCallback' in window ? requestIdleCallback(more, { timeout: 500 }) : undefined;
      if (task === undefined) setTimeout(more, IDLE_MS);
    });
    return () => {
      isGone = true;
      if (task !== undefined) cancelIdleCallback(task);
    };
  }, [formatted, pieces]);
  const rest = pieces.slice(formatted).join('');
  return (
    <>
      {pieces.slice(0, formatted).map((piece, index) => (
        <MarkdownPiece key={index} text={piece} />
      ))}
      {rest !== '' && <Plain text={rest} />}
    </>
  );
}

const MarkdownPiece = memo(function MarkdownPiece({ text }: { text: string }) {
  const plain = <Plain text={text} />;
  return <Markdown text={text} meanwhile={plain} otherwise={() => plain} />;
});

/** Text of any length or depth, as it is: only the lines in sight are on the page. */
export function LongText({
  text,
  label,
  language = 'text',
}: {
  text: string;
  label: string;
  language?: 'text' | 'json';
}) {
  return <Editor value={text} language={language} label={label} readOnly />;
}
