import { Link } from '@tanstack/react-router';
import type { RefObject } from 'react';
import type { Json, Review } from '../api/client';
import { Act } from '../keys/act';
import { useNow } from '../text/clock';
import { clip, visible } from '../text/hygiene';
import { age, countdown } from '../text/time';
import { conversationOf } from './request';

interface JobHeaderProps {
  review: Review;
  heading: RefObject<HTMLHeadingElement | null>;
  onBack: () => void;
}

/** What the job is, in one line. */
export function JobHeader({ review, heading, onBack }: JobHeaderProps) {
  const now = useNow();
  const { since, deadline_at, on_deadline, rule, group, approvals, approved_by } = review.review;
  const deadline = countdown(deadline_at, now);
  return (
    <div className="flex shrink-0 flex-wrap items-center gap-2 border-b border-line bg-panel px-4 py-2">
      <Act command="leave" look="quiet" onAct={onBack}>
        Queue
      </Act>
      <h1 ref={heading} tabIndex={-1} className="min-w-40 flex-1 truncate font-semibold outline-none">
        {titleOf(review)}
      </h1>
      {review.model !== null && <span className="chip">{visible(review.model)}</span>}
      {rule !== null && <span className="chip">rule {visible(rule)}</span>}
      {group !== null && <span className="chip">for {visible(group)}</span>}
      {approvals > 1 && (
        <span className="chip">
          {approved_by.length} of {approvals} approved
          {approved_by.length > 0 && `: ${approved_by.join(', ')}`}
        </span>
      )}
      <span className="chip">priority {review.priority}</span>
      <Link to="/history/$id" params={{ id: review.id }} className="chip !text-accent">
        whole story
      </Link>
      <span className="chip">from {visible(review.submitter)}</span>
      {since !== null && <span className="chip">waits {age(since, now)}</span>}
      {deadline && (
        <span className={`chip ${deadline.urgency === 'calm' ? '' : '!border-current text-bad'}`}>
          {on_deadline === 'approve' ? 'approves itself' : 'expires'} in {deadline.text}
        </span>
      )}
    </div>
  );
}

/** What a job is called: what was asked last, in one line. */
export function titleOf({ id, payload }: Review): string {
  const asked = conversationOf(payload as Json)?.turns.findLast(({ role }) => role === 'user')?.text;
  const line = (typeof payload === 'string' ? payload : (asked ?? '')).replace(/\s+/g, ' ').trim();
  return line === '' ? `Job ${id}` : visible(clip(line, 200).text);
}
