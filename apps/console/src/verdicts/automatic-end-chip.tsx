import type { ReviewSummary } from '../api/client';
import { countdown } from '../text/time';

/** In a row of the queue, what happens to a job unless a reviewer decides: a delivery always, an expiry in its last minutes. */
export function AutomaticEndChip({ row, now }: { row: ReviewSummary; now: number }) {
  const { automatic_step: step } = row;
  const left = countdown(step?.at ?? null, now);
  if (step === null || left === null) return null;
  const isUrgent = left.urgency !== 'calm';
  if (step.outcome === 'fail' && !isUrgent) return null;
  return (
    <span
      className={`chip shrink-0 tabular-nums ${isUrgent ? '!border-current text-bad' : '!border-current text-warn'}`}
    >
      {step.outcome === 'approve' ? 'auto-approves' : 'expires'}{' '}
      {left.urgency === 'over' ? 'now' : `in ${left.text}`}
    </span>
  );
}
