import { useRef } from 'react';
import type { Review } from '../api/client';
import { Editor } from '../editor/part';
import { laidOut, type Json, type JsonSource } from '../json/source';
import { Remedies } from '../ui/part';
import { LongText, Prose } from '../content/prose';
import { visible } from '../text/hygiene';
import { blocksOf, editable, textOf, type Block } from './response/answer';
import type { Edit } from './draft/draft';
import { JsonTree } from '../content/json-tree';
import { PlainEditor, type Caret } from '../editor/plain-editor';

interface AnswerViewProps {
  review: Review;
  /** What is being written; null: nothing. */
  edit: Edit | null;
  /** Whether that is only beside the answer, and not instead of it. */
  isAside: boolean;
  diff: boolean;
  raw: boolean;
  onChange: (text: string) => void;
}

/** The answer: to read, to compare with what the model wrote, or to change in place. */
export function AnswerView({ review, edit, isAside, diff, raw, onChange }: AnswerViewProps) {
  const { response } = review;
  const { kind, text: now } = editable(response);
  const original = editable(review.model_response ?? response).text;
  // The editor stays in its place when the answer appears above it: whoever types must not suddenly press keys instead.
  return (
    <>
      {(edit === null || isAside) && (
        <Answer response={response} original={original} diff={diff && edit === null} raw={raw} />
      )}
      {edit !== null && (
        <>
          {isAside && (
            <h2 className="text-xs font-semibold text-dim">What you wrote, not the response above</h2>
          )}
          <AnswerEditor
            key={edit.turn}
            value={edit.text}
            language={kind}
            original={!diff || response === null ? null : isAside ? now : original}
            schema={review.response_schema as Json}
            autoFocus={!isAside}
            onChange={onChange}
          />
        </>
      )}
    </>
  );
}

interface AnswerEditorProps {
  value: string;
  language: 'text' | 'json';
  original: string | null;
  schema: Json;
  autoFocus: boolean;
  onChange: (text: string) => void;
}

/** Where one writes: at once, and in the editor as soon as it is there. */
function AnswerEditor(props: AnswerEditorProps) {
  const caret = useRef<Caret | null>(null);
  const { value, language, autoFocus, onChange } = props;
  const plain = <PlainEditor {...{ value, language, autoFocus, onChange, caret }} label="Your response" />;
  return (
    <Editor
      {...props}
      label="Your response"
      caret={caret}
      meanwhile={plain}
      otherwise={(retry) => (
        <>
          {plain}
          <p className="text-warn">
            The editor could not be loaded, so this plain field takes its place. What you write is kept in
            this browser.
          </p>
          <Remedies onRetry={retry} />
        </>
      )}
    />
  );
}

interface AnswerProps {
  response: JsonSource | null;
  /** What the model wrote. */
  original: string;
  diff: boolean;
  raw: boolean;
}

function Answer({ response, original, diff, raw }: AnswerProps) {
  const { kind, text: now } = editable(response);
  if (diff) {
    if (original === now) return <p className="text-dim">This is the model's response, unchanged.</p>;
    return (
      <Editor
        value={now}
        language={kind}
        label="The response, compared with the model's"
        original={original}
        readOnly
      />
    );
  }
  if (response === null) return null;
  if (raw) return <LongText text={laidOut(response)} language="json" label="The response as it is" />;
  const prose = textOf(response);
  if (prose !== null) return <Prose text={prose} label="The response" />;
  const message = blocksOf(response);
  if (message === null) return <JsonTree json={response} label="The response" />;
  return (
    <div className="flex flex-col gap-3">
      {message.blocks.map((block, index) => (
        <BlockView key={index} block={block} />
      ))}
      {message.rest !== null && (
        <details>
          <summary className="cursor-pointer text-dim">More of this message</summary>
          <JsonTree json={message.rest} label="More of this message" />
        </details>
      )}
    </div>
  );
}

/** One block of a message: its text, or the call of a tool, under what it is. */
function BlockView({ block: { type, name, text, rest } }: { block: Block }) {
  const title = name === null ? type : `${type}: ${name}`;
  return (
    <article aria-label={visible(title)} className="panel border-l-4 px-3 py-2">
      <h3 className="mb-1 text-xs font-semibold text-dim">{visible(title)}</h3>
      {text !== null && <Prose text={text} label={title} />}
      {rest !== null && <JsonTree json={rest} label={`More of ${title}`} />}
    </article>
  );
}
