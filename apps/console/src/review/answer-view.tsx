import { lazy, Suspense } from 'react';
import type { Json, Review } from '../api/client';
import { LongText, Prose } from '../text/prose';
import { editable, textOf, written } from './answer';
import { JsonTree } from './json-tree';

const Editor = lazy(() => import('../editor/editor').then((file) => ({ default: file.Editor })));

interface AnswerViewProps {
  review: Review;
  /** What is being written; null: nothing. */
  text: string | null;
  diff: boolean;
  raw: boolean;
  onChange: (text: string) => void;
}

/** The answer: to read, to compare with what the model wrote, or to change in place. */
export function AnswerView({ review, text, diff, raw, onChange }: AnswerViewProps) {
  const response = review.response as Json;
  const { kind, text: now } = editable(response);
  const original = editable((review.model_response as Json) ?? response).text;
  if (text !== null) {
    return (
      <Suspense fallback={<p className="text-dim">Opening the editor …</p>}>
        <Editor
          value={text}
          language={kind}
          label="Your answer"
          original={diff ? original : null}
          schema={review.response_schema as Json}
          autoFocus
          onChange={onChange}
        />
      </Suspense>
    );
  }
  if (diff) {
    if (original === now)
      return <p className="text-dim">This is what the model wrote: nobody has changed it.</p>;
    return (
      <Suspense fallback={<p className="text-dim">Comparing …</p>}>
        <Editor
          value={now}
          language={kind}
          label="The answer, compared with the model's"
          original={original}
          readOnly
        />
      </Suspense>
    );
  }
  if (raw) return <LongText text={written(response)} language="json" label="The answer as it is" />;
  const prose = textOf(response);
  return prose === null ? (
    <JsonTree value={response} label="The answer" />
  ) : (
    <Prose text={prose} label="The answer" />
  );
}
