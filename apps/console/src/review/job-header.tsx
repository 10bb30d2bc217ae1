import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useMemo, type RefObject } from 'react';
import type { Review } from '../api/client';
import { Act } from '../ui/act';
import type { Filters } from '../queue/filters';
import { placeOf, useQueue } from '../queue/queue-data';
import { useNow } from '../store/clock';
import { visible } from '../text/hygiene';
import { age, countdown } from '../text/time';
import { titleOf } from './request/title';
import { clientQuery } from '../api/review-queries';

interface JobHeaderProps {
  review: Review;
  /** Who else looks at the job. */
  viewers: string[];
  heading: RefObject<HTMLHeadingElement | null>;
  filters: Filters;
  onBack: () => void;
  onStep: (step: 1 | -1) => void;
}

/** What the job is, in one line. */
export function JobHeader({ review, viewers, heading, filters, onBack, onStep }: JobHeaderProps) {
  const now = useNow();
  const title = useMemo(() => titleOf(review), [review]);
  const { since, deadline_at, automatic_step, on_deadline } = review.review;
  const { rule, group, approvals, approved_by, rejected_by } = review.review;
  const client = useQuery(clientQuery(review)).data;
  const queue = useQueue(filters);
  const place = useMemo(() => placeOf(queue.data?.pages ?? [], review.id), [queue.data, review.id]);
  const deadline = countdown(automatic_step?.at ?? deadline_at, now);
  return (
    <div className="flex max-h-[30vh] shrink-0 tight:max-h-[22vh] tight:py-1 flex-wrap items-center gap-x-2 gap-y-1 overflow-y-auto border-b border-line bg-panel px-4 py-2">
      <Act command="leave" look="quiet" onAct={onBack}>
        ← Queue
      </Act>
      {place && (
        <div role="group" aria-label="Place in the queue" className="flex items-center">
          <Act
            command="previous"
            look="quiet"
            onAct={() => onStep(-1)}
            why={place.place === 1 ? 'This is the first job of the list.' : null}
          >
            ↑<span className="sr-only">Previous job</span>
          </Act>
          <span className="text-dim tabular-nums">
            {place.place} of {place.total.toLocaleString('en')}
          </span>
          <Act
            command="next"
            look="quiet"
            onAct={() => onStep(1)}
            why={place.place === place.total ? 'This is the last job of the list.' : null}
          >
            ↓<span className="sr-only">Next job</span>
          </Act>
        </div>
      )}
      <h1
        ref={heading}
        tabIndex={-1}
        dir="auto"
        className="min-w-0 flex-1 basis-40 truncate font-semibold outline-none lg:basis-96"
      >
        {title}
      </h1>
      <div className="flex max-w-full flex-wrap gap-x-2 gap-y-1">
        <span role="status" className="contents">
          {viewers.length > 0 && (
            <span className="chip max-w-80 !border-current !text-accent" title={viewers.join(', ')}>
              <span className="truncate">{viewers.join(', ')}</span>
              <span>{viewers.length === 1 ? 'is' : 'are'} looking, too</span>
            </span>
          )}
        </span>
        {review.model !== null && <span className="chip">{visible(review.model)}</span>}
        {rule !== null && <span className="chip">rule {visible(rule)}</span>}
        {group !== null && <span className="chip">for {visible(group)}</span>}
        {approvals > 1 && (
          <span className="chip">
            {approved_by.length} of {approvals} approved
            {approved_by.length > 0 && `: ${approved_by.join(', ')}`}
          </span>
        )}
        {rejected_by.length > 0 && (
          <span className="chip !border-current text-bad">rejected by {visible(rejected_by.join(', '))}</span>
        )}
        {review.priority > 0 && <span className="chip">priority {review.priority}</span>}
        <span className="chip">from {visible(review.submitter)}</span>
        {since !== null && <span className="chip">waits {age(since, now)}</span>}
        {client === 'gone' && (
          <span
            className="chip !border-current !text-warn"
            title="The client that waited for the response has disconnected"
          >
            client disconnected
          </span>
        )}
        {deadline && (
          <span className={`chip ${deadline.urgency === 'calm' ? '' : '!border-current text-bad'}`}>
            {on_deadline === 'approve' ? 'auto-approves' : 'expires'}{' '}
            {deadline.urgency === 'over' ? 'now' : `in ${deadline.text}`}
          </span>
        )}
        <Link to="/history/$id" params={{ id: review.id }} className="chip !text-accent">
          full history
        </Link>
      </div>
    </div>
  );
}
