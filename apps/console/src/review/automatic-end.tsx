import type { Review } from '../api/client';
import { useNow } from '../store/clock';
import { visible } from '../text/hygiene';
import { countdown, timeOfDay } from '../text/time';
import { Banner } from '../ui/banner';

/** Counts down to what happens unless somebody decides: an answer that delivers itself always, one that expires in its last minutes. */
export function AutomaticEnd({ review }: { review: Review }) {
  const now = useNow();
  const { automatic_step: step, rule } = review.review;
  const left = countdown(step?.at ?? null, now);
  if (review.status !== 'human' || step === null || left === null) return null;
  if (step.outcome === 'fail' && left.urgency === 'calm') return null;
  const what = step.outcome === 'approve' ? 'This response is delivered automatically' : 'This job expires';
  const by = rule === null ? '' : `, by rule ${visible(rule)}`;
  return (
    <Banner tone="warn">
      <strong className="tabular-nums">
        {what} {left.urgency === 'over' ? 'now' : `in ${left.text}`}
      </strong>{' '}
      unless a reviewer decides{by}.
      {step.halted &&
        ` It is postponed while a reviewer is at work, until ${timeOfDay(step.latest_at)} at the latest.`}
      <span className="sr-only" role="status">
        {what} soon unless a reviewer decides.
      </span>
    </Banner>
  );
}
