import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { api, dataOf, type Decision, type Json, type Review } from '../api/client';
import { messageOf } from '../api/problem';
import type { Filters } from '../queue/filters';
import { neighbour, nextJob } from '../queue/queue-data';
import { reviewer } from '../reviewer';
import { tell } from '../shell/messages';
import { editable } from './answer';
import { Banners } from './banners';
import { useClaim } from './claim';
import { refusalOf, useDecide, useUndo } from './decide';
import { consequenceOf, resultOf, type Form } from './delivery';
import { useDraft } from './draft';
import { NoteForm, RegenerateForm, RejectForm } from './forms';
import { JobHeader } from './job-header';
import { AnswerPane, RequestPane } from './panes';
import { useReasons } from './reasons';
import { prefetchReview } from './review-data';
import { Toolbar, type View } from './toolbar';
import { useViewers } from './viewers';
import { useWords } from './words';

const PLAIN: View = { diff: false, raw: false, result: false, history: false };

/** A job, what one may do with it, and what one is writing for it. */
export function Desk({ review, filters }: { review: Review; filters: Filters }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const claim = useClaim(review);
  const viewers = useViewers(review.id);
  const drafting = useDraft(review);
  const decide = useDecide(review, filters);
  const undo = useUndo(review.id, filters);
  const [text, setText] = useState<string | null>(null);
  const [form, setForm] = useState<Form | null>(null);
  const [words, changeWords] = useWords(review.id);
  const [view, setView] = useState(PLAIN);
  const [fault, setFault] = useState<string | null>(null);
  // Asked for before the form opens: a number must not mean another reason a moment later.
  useReasons();
  const heading = useRef<HTMLHeadingElement>(null);

  const { id } = review;
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
    setView({ ...PLAIN, diff: true });
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
  const send = (decision: Decision): void => {
    setFault(null);
    decide.mutate(decision, { onError: (error) => setFault(refusalOf(error)) });
  };
  const save = (): void => {
    const result = resultOf(response, text);
    if (result === null) setFault('This is not JSON yet: the editor shows where.');
    else if (text === null || text === editable(response).text) send({ verdict: 'approve' });
    else if (result.response === null) setFault('null cannot be delivered: reject the answer instead.');
    else send({ verdict: 'edit', response: result.response });
  };
  const note = useMutation({
    mutationFn: () =>
      dataOf(
        api.POST('/v1/reviews/{id}/notes', {
          params: { path: { id } },
          body: { id: crypto.randomUUID(), text: words.note },
        }),
      ),
    onSuccess: () => {
      setForm(null);
      changeWords({ note: '' });
      tell({ text: 'Noted.' });
    },
    onError: (error) => setFault(`Not noted. ${messageOf(error)}`),
  });
  const show = (other: string | null): void => {
    void (other === null
      ? navigate({ to: '/queue', search: filters })
      : navigate({ to: '/review/$id', params: { id: other }, search: filters }));
  };
  const go = (step: 1 | -1): void => {
    const other = neighbour(client, filters, id, step);
    if (other !== null) show(other);
  };
  const formProps = { words, onWords: changeWords, onCancel: () => setForm(null) };
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <JobHeader
        review={review}
        viewers={viewers}
        heading={heading}
        filters={filters}
        onBack={() => show(null)}
        onStep={go}
      />
      <Banners
        review={review}
        claim={claim}
        draftRevision={restored !== null && restored >= 0 && text !== null ? restored : null}
        fault={fault}
        onNext={() => void nextJob(client, filters, id, reviewer()).then(show)}
        onUndo={() => void undo()}
      />
      <div className="grid min-h-0 flex-1 overflow-auto max-lg:grid-rows-[auto_1fr] lg:grid-cols-2 lg:overflow-hidden">
        <RequestPane review={review} raw={view.raw} />
        <AnswerPane review={review} text={text} view={view} draft={drafting.state} onChange={change} />
      </div>
      {form === 'reject' && <RejectForm {...formProps} busy={decide.isPending} onDecide={send} />}
      {form === 'regenerate' && <RegenerateForm {...formProps} busy={decide.isPending} onDecide={send} />}
      {form === 'note' && <NoteForm {...formProps} busy={note.isPending} onNote={() => note.mutate()} />}
      <Toolbar
        editing={text !== null}
        form={form}
        view={view}
        claim={claim}
        waits={waits}
        mayDecide={mayDecide}
        consequence={consequenceOf(review, text, form)}
        onApprove={() => send({ verdict: 'approve' })}
        onEdit={startEdit}
        onSave={save}
        onStopEdit={stopEdit}
        onForm={setForm}
        onFlip={(name) => setView({ ...view, [name]: !view[name] })}
      />
    </div>
  );
}
