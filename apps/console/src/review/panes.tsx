import { Link } from '@tanstack/react-router';
import type { Review } from '../api/client';
import { laidOut } from '../json/source';
import { LongText } from '../content/prose';
import { visible } from '../text/hygiene';
import { moment } from '../text/time';
import { AnswerView } from './answer-view';
import { resultOf } from './response/result';
import type { Drafting, Edit } from './draft/draft';
import { HistoryPanel } from './history-panel';
import { RequestView } from './request/request-view';
import type { View } from './toolbar';

/** What was asked, and what reviewers have asked of the model since. */
export function RequestPane({ review, raw }: { review: Review; raw: boolean }) {
  return (
    <section
      aria-labelledby="request"
      tabIndex={0}
      className="min-w-0 p-4 lg:overflow-auto lg:border-e lg:border-line"
    >
      <h2 id="request" className="mb-2 text-xs font-semibold text-dim">
        Request
      </h2>
      {review.erased_at === null ? (
        <RequestView payload={review.payload} raw={raw} />
      ) : (
        <p>
          Erased {moment(review.erased_at)}, with the response and everything else that the job was about.
        </p>
      )}
      {review.original_payload !== null && (
        <details className="mt-4">
          <summary className="cursor-pointer text-warn">
            A person has changed the request. What was sent
          </summary>
          <RequestView payload={review.original_payload} raw={raw} />
        </details>
      )}
      {review.feedback.length > 0 && (
        <div className="mt-4">
          <h2 className="mb-1 text-xs font-semibold text-dim">Sent to the model since</h2>
          <ol className="list-decimal pl-5">
            {review.feedback.map((words, index) => (
              <li key={index} className="as-written" dir="auto">
                {visible(words)}
              </li>
            ))}
          </ol>
        </div>
      )}
    </section>
  );
}

const DRAFTS: Record<Drafting['state'], string> = {
  none: '',
  here: 'Draft kept in this browser',
  saved: 'Draft saved',
};

interface AnswerPaneProps {
  review: Review;
  /** What is being written; null: nothing. */
  edit: Edit | null;
  /** Whether that is only beside the answer: begun on another one, or nobody is waited for any more. */
  isAside: boolean;
  view: View;
  draft: Drafting['state'];
  onChange: (text: string) => void;
}

/** The answer, and beside it whatever one wants to see of it. */
export function AnswerPane({ review, edit, isAside, view, draft, onChange }: AnswerPaneProps) {
  const { id, revision } = review;
  return (
    <section
      aria-labelledby="answer"
      tabIndex={0}
      className="flex min-w-0 flex-col gap-3 bg-panel p-4 max-lg:border-t max-lg:border-line lg:overflow-auto"
    >
      <h2 id="answer" className="flex gap-2 text-xs font-semibold text-dim">
        Response {revision}
        {review.edited && <span className="chip">changed by a person</span>}
        {edit !== null && (
          <span className="font-normal" role="status">
            {DRAFTS[draft]}
          </span>
        )}
      </h2>
      <Violations review={review} />
      {review.erased_at === null ? (
        <AnswerView
          review={review}
          edit={edit}
          isAside={isAside}
          diff={view.diff}
          raw={view.raw}
          onChange={onChange}
        />
      ) : (
        <p>Erased. The history still says who did what and when.</p>
      )}
      {view.result && <Result review={review} text={isAside ? null : (edit?.text ?? null)} />}
      {view.history && (
        <>
          <Link to="/history/$id" params={{ id }} className="text-accent underline">
            The full history on its own page
          </Link>
          <HistoryPanel id={id} version={review.updated_at} review={review} />
        </>
      )}
    </section>
  );
}

/** How the answer is not what the client asked for: it could not read it. */
function Violations({ review: { response_violations: violations } }: { review: Review }) {
  if (violations.length === 0) return null;
  return (
    <section aria-label="Not what the request asks for" className="panel p-3 text-warn">
      <h3 className="font-semibold">This response is not, or may not be, what the request asks for</h3>
      <ul className="list-disc pl-5">
        {violations.map(({ pointer, detail }, index) => (
          <li key={index} className="break-words">
            <code className="mono">{visible(pointer)}</code> {visible(detail)}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Result({ review, text }: { review: Review; text: string | null }) {
  const nothing = nothingYet(review);
  const result = resultOf(review.response, text);
  return (
    <section aria-label="What the submitter will get" className="panel flex flex-col gap-2 p-3">
      <h2 className="font-semibold">What the submitter will get</h2>
      {nothing !== null ? (
        <p>{nothing}</p>
      ) : result.fault !== undefined ? (
        <p className="text-bad">Nothing yet: {result.fault}.</p>
      ) : (
        <LongText
          text={result.response === null ? 'null' : laidOut(result.response)}
          language="json"
          label="What the submitter will get"
        />
      )}
    </section>
  );
}

/** Why the answer that is shown is not what the submitter will get; null: it is. */
function nothingYet({ status, erased_at, review: { held } }: Review): string | null {
  if (erased_at !== null) return 'Nothing any more: it is erased.';
  if (status === 'fail' || held?.verdict === 'reject') return 'Nothing: it is rejected, or has failed.';
  if (status === 'bot' || held?.verdict === 'regenerate')
    return 'Nothing yet: the model is writing a new response.';
  if (held?.verdict === 'edit') return `What ${held.by} has written: it is shown once that takes effect.`;
  return null;
}
