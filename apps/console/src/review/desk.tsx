import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { api, dataOf, type Decision, type Review } from '../api/client';
import { messageOf } from '../api/problem';
import type { Filters } from '../queue/filters';
import { keepPlace } from '../queue/place';
import { neighbour, nextJob, rowOf } from '../queue/queue-data';
import { reviewer } from '../api/reviewer';
import { tellWhy } from '../ui/act';
import { tell } from '../ui/messages';
import { editable } from './response/answer';
import { AutomaticEnd } from './automatic-end';
import { Banners } from './banners';
import { useClaim } from './decision/claim';
import { refusalOf, useDecide, useDeciding, useUndo } from './decision/decide';
import { consequenceOf, type Form } from './decision/delivery';
import { resultOf } from './response/result';
import { useDraft } from './draft/draft';
import { EditBanner } from './draft/edit-banner';
import { useFormFault } from './response/form-fault';
import { FORMS, NoteForm } from './decision/forms';
import { JobHeader } from './job-header';
import { AnswerPane, RequestPane } from './panes';
import { useReasons } from '../verdicts/reasons';
import { whyNot } from './decision/why-not';
import { Remarks } from './remarks';
import { prefetchReview } from '../api/review-queries';
import { useSettled } from './decision/settled';
import { Toolbar, type View } from './toolbar';
import { useViewers } from './viewers';
import { useWords } from './decision/words';

const STALE = 'Saving delivers nothing yet: you began your edit on another response.';
const PLAIN: View = { diff: false, raw: false, result: false, history: false };

/** A job, what one may do with it, and what one is writing for it. */
export function Desk({ review, filters }: { review: Review; filters: Filters }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const deciding = useDeciding(review.id);
  const claim = useClaim(review, deciding);
  const viewers = useViewers(review.id);
  const [drafting, drafts] = useDraft(review);
  const decide = useDecide(review, filters);
  const undo = useUndo(review.id, filters);
  const [form, setForm] = useState<{ name: Form; revision: number } | null>(null);
  const [words, changeWords] = useWords(review.id);
  const [chosen, choose] = useState<Partial<View>>({});
  const [fault, setFault] = useState<string | null>(null);
  // Asked for before the form opens: a number must not mean another reason a moment later.
  useReasons();
  const heading = useRef<HTMLHeadingElement>(null);

  const { id, revision } = review;
  const { response } = review;
  const waits = review.status === 'human' && review.review.held === null;
  const isSettled = useSettled(`${id} ${revision}`);
  const obstacle = deciding ? 'This is being decided.' : whyNot(review, claim);
  // Whoever has judged an answer may still change it, or send it back.
  const whyNoChange =
    review.not_decidable_because === 'already_voted' && !deciding && waits && claim.state !== 'theirs'
      ? null
      : obstacle;
  const { edit } = drafting;
  /** What is written for the answer that is shown, and so may be delivered instead of it. */
  const text = edit !== null && waits && edit.revision === revision ? edit.text : null;
  const formFault = useFormFault(review, text);
  const view: View = { ...PLAIN, diff: edit !== null, ...chosen };

  useEffect(() => {
    heading.current?.focus();
    keepPlace(filters, { active: id, ...rowOf(client, filters, id) });
    void nextJob(client, filters, id, reviewer())
      .then((next) => {
        if (next !== null) prefetchReview(client, next);
      })
      .catch(() => undefined);
  }, [client, filters, id]);

  const startEdit = (): void => {
    claim.act();
    setForm(null);
    choose({});
    drafts.begin();
  };
  const stopEdit = (): void => {
    drafts.discard();
    setFault(null);
  };
  const change = (next: string): void => {
    setFault(null);
    claim.act();
    drafts.change(next);
  };
  const openForm = (name: Form): void => {
    if (name !== 'note') claim.act();
    setForm({ name, revision });
  };
  const send = (decision: Decision): void => {
    if (!isSettled) {
      tellWhy('This response has only just appeared: look at it, then decide.');
      return;
    }
    setFault(null);
    decide.mutate({ decision, revision }, { onError: (error) => setFault(refusalOf(error)) });
  };
  const sendForm = (decision: Decision): void => {
    if (form?.revision === revision) send(decision);
    else {
      setForm(form && { ...form, revision });
      setFault('The response has changed since you began this. Look at the new one, then decide.');
    }
  };
  const save = (): void => {
    const result = resultOf(response, text);
    if (text === null) setFault('Nothing was decided. Continue with your text first, or discard it.');
    else if (result.fault !== undefined)
      setFault(`Nothing was decided: ${result.fault}. The editor shows where.`);
    else if (text === editable(response).text) send({ verdict: 'approve' });
    else if (result.response === null || result.response === 'null')
      setFault('null cannot be delivered: reject the response instead.');
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
      tell({ text: 'Note saved.' });
    },
    onError: (error) => setFault(`Note not saved. ${messageOf(error)}`),
  });
  const show = (other: string | null): void => {
    void (other === null
      ? navigate({ to: '/queue', search: filters })
      : navigate({ to: '/review/$id', params: { id: other }, search: filters }));
  };
  const go = async (step: 1 | -1): Promise<void> => {
    const other = await neighbour(client, filters, id, step, reviewer()).catch(() => null);
    if (other !== null) show(other);
    else tellWhy(`There is no other job ${step === 1 ? 'after' : 'before'} this one that you may decide.`);
  };
  const consequence = deciding
    ? 'Deciding …'
    : obstacle !== null && whyNoChange !== null
      ? null
      : form === null && edit !== null && text === null
        ? STALE
        : consequenceOf(review, text, form?.name ?? null, formFault);
  const VerdictForm = form && form.name !== 'note' && FORMS[form.name];
  const formProps = { words, onWords: changeWords, onCancel: () => setForm(null) };
  return (
    <div className="contents">
      <JobHeader
        review={review}
        viewers={viewers}
        heading={heading}
        filters={filters}
        onBack={() => show(null)}
        onStep={(step) => void go(step)}
      />
      <Banners
        review={review}
        claim={claim}
        why={deciding ? null : obstacle}
        fault={fault}
        onNext={() =>
          void nextJob(client, filters, id, reviewer())
            .catch(() => null)
            .then(show)
        }
        onUndo={() => void undo()}
      >
        <EditBanner
          review={review}
          drafting={drafting}
          waits={waits}
          onGoOn={() => drafts.goOn()}
          onTakeOffer={() => drafts.takeOffer()}
          onDropOffer={() => drafts.dropOffer()}
        />
      </Banners>
      <AutomaticEnd review={review} />
      <Remarks review={review} onMore={() => choose({ ...chosen, history: true })} />
      <div className="grid min-h-32 flex-1 grid-cols-[minmax(0,1fr)] overflow-auto max-lg:grid-rows-[auto_1fr] lg:grid-cols-2 lg:overflow-hidden">
        <RequestPane review={review} raw={view.raw} />
        <AnswerPane
          review={review}
          edit={edit}
          isAside={text === null}
          view={view}
          draft={drafting.state}
          onChange={change}
        />
      </div>
      {VerdictForm && <VerdictForm {...formProps} busy={deciding} onDecide={sendForm} />}
      {form?.name === 'note' && (
        <NoteForm {...formProps} busy={note.isPending} onNote={() => note.mutate()} />
      )}
      <Toolbar
        editing={edit !== null}
        form={form?.name ?? null}
        view={view}
        claim={claim}
        why={obstacle}
        whyNoChange={whyNoChange}
        whyNoClaim={claim.state === 'mine' ? null : obstacle}
        isFresh={!isSettled}
        consequence={consequence}
        onApprove={() => send({ verdict: 'approve' })}
        onEdit={startEdit}
        onSave={save}
        onStopEdit={stopEdit}
        onForm={openForm}
        onFlip={(name) => choose({ ...chosen, [name]: !view[name] })}
      />
    </div>
  );
}
