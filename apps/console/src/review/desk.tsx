import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { api, dataOf, type Decision, type Json, type Review } from '../api/client';
import { messageOf } from '../api/problem';
import { Act } from '../keys/act';
import { useKeys } from '../keys/use-keys';
import type { Filters } from '../queue/filters';
import { neighbour, nextJob } from '../queue/queue-data';
import { reviewer } from '../reviewer';
import { tell } from '../shell/messages';
import { LongText } from '../text/prose';
import { editable, edited, written } from './answer';
import { AnswerView } from './answer-view';
import { useClaim } from './claim';
import { Banners } from './banners';
import { refusalOf, useDecide } from './decide';
import { useDraft } from './draft';
import { NoteForm, RegenerateForm, RejectForm } from './forms';
import { HistoryPanel } from './history-panel';
import { JobHeader } from './job-header';
import { RequestView } from './request-view';
import { prefetchReview } from './review-data';

type Form = 'reject' | 'regenerate' | 'note';

/** A job, what one may do with it, and what one is writing for it. */
export function Desk({ review, filters }: { review: Review; filters: Filters }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const claim = useClaim(review);
  const drafting = useDraft(review);
  const decide = useDecide(review, filters);
  const [text, setText] = useState<string | null>(null);
  const [form, setForm] = useState<Form | null>(null);
  const [view, setView] = useState({ diff: false, raw: false, result: false, history: false });
  const [fault, setFault] = useState<string | null>(null);
  const heading = useRef<HTMLHeadingElement>(null);

  const { id, revision } = review;
  const response = review.response as Json;
  const waits = review.status === 'human' && review.review.held === null;
  const mayDecide = waits && claim.state !== 'theirs' && claim.state !== 'refused' && !decide.isPending;

  useEffect(() => {
    heading.current?.focus();
    void nextJob(client, filters, id, reviewer())
      .then((next) => {
        if (next !== null) prefetchReview(client, next);
      })
      .catch(() => undefined);
  }, [client, filters, id]);

  // A draft from before is where one goes on, unless one has begun anew.
  const [restored, setRestored] = useState<number | null>(null);
  const { found } = drafting;
  if (found !== null && restored === null && text === null && waits) {
    setRestored(found.revision);
    setText(found.text);
    setView({ ...view, diff: true });
  }

  const startEdit = (): void => {
    setForm(null);
    setText(editable(response).text);
    setView({ diff: true, raw: false, result: false, history: false });
  };
  const stopEdit = (): void => {
    drafting.discard();
    setText(null);
    setFault(null);
    setRestored(-1);
    setView({ ...view, diff: false });
  };
  const change = (next: string): void => {
    setText(next);
    setFault(null);
    drafting.save(next);
  };
  /** The response as it would be delivered now; null: what is written is no JSON. */
  const resultOf = (): { response: Json } | null => {
    if (text === null) return { response };
    try {
      return { response: edited(response, text) };
    } catch {
      return null;
    }
  };
  const send = (decision: Decision): void => {
    setFault(null);
    decide.mutate(decision, { onError: (error) => setFault(refusalOf(error)) });
  };
  const save = (): void => {
    const result = resultOf();
    if (result === null) setFault('This is not JSON yet: the editor shows where.');
    else if (text === null || text === editable(response).text) send({ verdict: 'approve' });
    else if (result.response === null) setFault('null cannot be delivered: reject the answer instead.');
    else send({ verdict: 'edit', response: result.response });
  };
  const note = useMutation({
    mutationFn: (words: string) =>
      dataOf(
        api.POST('/v1/reviews/{id}/notes', {
          params: { path: { id } },
          body: { id: crypto.randomUUID(), text: words },
        }),
      ),
    onSuccess: () => {
      setForm(null);
      tell({ text: 'Noted.' });
    },
    onError: (error) => setFault(`Not noted. ${messageOf(error)}`),
  });
  const go = (step: 1 | -1): void => {
    const other = neighbour(client, filters, id, step);
    if (other !== null) void navigate({ to: '/review/$id', params: { id: other }, search: filters });
  };
  const flip = (name: keyof typeof view) => (): void => setView({ ...view, [name]: !view[name] });
  useKeys({ next: () => go(1), previous: () => go(-1) });

  const result = view.result ? resultOf() : null;
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <JobHeader
        review={review}
        heading={heading}
        onBack={() => void navigate({ to: '/queue', search: filters })}
      />
      <Banners
        review={review}
        claim={claim}
        draftRevision={restored !== null && restored >= 0 && text !== null ? restored : null}
        fault={fault}
        onNext={() =>
          void nextJob(client, filters, id, reviewer()).then((next) =>
            next === null
              ? navigate({ to: '/queue', search: filters })
              : navigate({ to: '/review/$id', params: { id: next }, search: filters }),
          )
        }
      />
      <div className="grid min-h-0 flex-1 overflow-auto lg:grid-cols-2 lg:overflow-hidden">
        <section
          aria-labelledby="request"
          tabIndex={0}
          className="p-4 lg:overflow-auto lg:border-r lg:border-line"
        >
          <h2 id="request" className="mb-2 text-xs font-semibold text-dim">
            Request
          </h2>
          <RequestView payload={review.payload as Json} raw={view.raw} />
          {review.feedback.length > 0 && (
            <div className="mt-4">
              <h2 className="mb-1 text-xs font-semibold text-dim">Asked of the model since</h2>
              <ol className="list-decimal pl-5">
                {review.feedback.map((words, index) => (
                  <li key={index} className="whitespace-pre-wrap">
                    {words}
                  </li>
                ))}
              </ol>
            </div>
          )}
        </section>
        <section aria-labelledby="answer" tabIndex={0} className="flex flex-col gap-3 p-4 lg:overflow-auto">
          <h2 id="answer" className="flex gap-2 text-xs font-semibold text-dim">
            Answer {revision}
            {review.edited && <span className="chip">changed by a person</span>}
            {text !== null && (
              <span className="font-normal" role="status">
                {drafting.state === 'saved'
                  ? 'Draft saved'
                  : drafting.state === 'here'
                    ? 'Draft kept in this browser'
                    : ''}
              </span>
            )}
          </h2>
          <AnswerView review={review} text={text} diff={view.diff} raw={view.raw} onChange={change} />
          {view.result && (
            <section aria-label="What the submitter will get" className="panel flex flex-col gap-2 p-3">
              <h2 className="font-semibold">What the submitter will get</h2>
              {result === null ? (
                <p className="text-bad">Nothing yet: what you wrote is not JSON.</p>
              ) : (
                <LongText
                  text={written(result.response)}
                  language="json"
                  label="What the submitter will get"
                />
              )}
            </section>
          )}
          {view.history && (
            <>
              <Link to="/history/$id" params={{ id }} className="text-accent underline">
                The whole story on its own page
              </Link>
              <HistoryPanel id={id} version={review.updated_at} />
            </>
          )}
        </section>
      </div>
      {form === 'reject' && (
        <RejectForm busy={decide.isPending} onCancel={() => setForm(null)} onDecide={send} />
      )}
      {form === 'regenerate' && (
        <RegenerateForm busy={decide.isPending} onCancel={() => setForm(null)} onDecide={send} />
      )}
      {form === 'note' && (
        <NoteForm
          busy={note.isPending}
          onCancel={() => setForm(null)}
          onNote={(words) => note.mutate(words)}
        />
      )}
      <div
        role="toolbar"
        aria-label="What you can do"
        className="flex shrink-0 flex-wrap items-center gap-1.5 border-t border-line bg-panel px-4 py-2"
      >
        {text === null ? (
          <>
            <Act
              command="approve"
              look="good"
              onAct={() => send({ verdict: 'approve' })}
              disabled={!mayDecide || form !== null}
            >
              Approve
            </Act>
            <Act command="edit" onAct={startEdit} disabled={!mayDecide || form !== null}>
              Edit
            </Act>
          </>
        ) : (
          <>
            <Act command="save" look="good" onAct={save} disabled={!mayDecide || form !== null}>
              Save and approve
            </Act>
            <button type="button" className="button" onClick={stopEdit}>
              Throw the edit away
            </button>
          </>
        )}
        <Act
          command="reject"
          look="bad"
          onAct={() => setForm('reject')}
          disabled={!mayDecide}
          pressed={form === 'reject'}
        >
          Reject
        </Act>
        <Act
          command="regenerate"
          onAct={() => setForm('regenerate')}
          disabled={!mayDecide}
          pressed={form === 'regenerate'}
        >
          Regenerate
        </Act>
        <span className="mx-1 h-5 border-l border-line" />
        <Act command="note" look="quiet" onAct={() => setForm('note')} pressed={form === 'note'}>
          Note
        </Act>
        <Act
          command="claim"
          look="quiet"
          disabled={!waits || claim.state === 'theirs'}
          onAct={() => void (claim.state === 'mine' ? claim.release() : claim.take())}
        >
          {claim.state === 'mine' ? 'Release' : 'Claim'}
        </Act>
        <Act command="diff" look="quiet" onAct={flip('diff')} pressed={view.diff}>
          Diff
        </Act>
        <Act command="raw" look="quiet" onAct={flip('raw')} pressed={view.raw}>
          Raw
        </Act>
        <Act command="result" look="quiet" onAct={flip('result')} pressed={view.result}>
          Result
        </Act>
        <Act command="history" look="quiet" onAct={flip('history')} pressed={view.history}>
          History
        </Act>
      </div>
    </div>
  );
}
