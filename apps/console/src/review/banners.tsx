import type { ReactNode } from 'react';
import type { Review } from '../api/client';
import { Act } from '../keys/act';
import { reviewer } from '../reviewer';
import { clip, visible } from '../text/hygiene';
import { duration, timeOfDay } from '../text/time';
import type { Claim } from './claim';
import { UseAnswer } from './restore';

/** Characters of what a model, or a reviewer, said that a banner shows. */
const LONGEST_DETAIL = 300;

interface BannersProps {
  review: Review;
  claim: Claim;
  fault: string | null;
  onNext: () => void;
  onUndo: () => void;
  /** What there is to know of what one has written. */
  children: ReactNode;
}

/** What one should know before deciding, in a line each. */
export function Banners({ review, claim, fault, onNext, onUndo, children }: BannersProps) {
  const { held } = review.review;
  const waits = review.status === 'human' && held === null;
  const isTheirs = waits && claim.state === 'theirs';
  const endsSoon = waits && claim.endsSoon;
  return (
    <div className="shrink-0">
      <div aria-live="polite">
        {/* What counts down is not read out each second: these say it once. */}
        {isTheirs && <p className="sr-only">{claim.by} has this job: you can read it, not decide.</p>}
        {endsSoon && <p className="sr-only">Your claim soon ends: press a key to keep it.</p>}
        {fault !== null && <Banner tone="bad">{fault}</Banner>}
        {!waits && (
          <Banner
            action={
              <>
                {held?.by === reviewer() && (
                  <Act command="undo" onAct={onUndo}>
                    Undo
                  </Act>
                )}
                {review.status === 'bot' && review.revision > 0 && (
                  <UseAnswer review={review} revision={review.revision}>
                    Take the earlier answer back
                  </UseAnswer>
                )}
                <button type="button" className="button" onClick={onNext}>
                  Next job
                </button>
              </>
            }
          >
            {held
              ? `${held.by === reviewer() ? 'You have' : `${held.by} has`} decided: ${held.verdict}. It takes effect at ${timeOfDay(held.until)}.`
              : ENDED[review.status]}
            {review.failure?.detail && ` ${review.failure.reason}: ${review.failure.detail}`}
          </Banner>
        )}
        {waits && review.regeneration_failed && (
          <Banner tone="warn">
            The model gave no other answer, so the earlier one waits again.{' '}
            {visible(clip(review.regeneration_failed.detail, LONGEST_DETAIL).text)}
            {review.regeneration_failed.feedback !== null &&
              ` ${visible(review.regeneration_failed.by)} had asked: ${visible(clip(review.regeneration_failed.feedback, LONGEST_DETAIL).text)}`}
          </Banner>
        )}
        {waits && claim.state === 'refused' && (
          <Banner tone="warn">You cannot decide here. {claim.refusal?.message}</Banner>
        )}
        {children}
      </div>
      {isTheirs && (
        <Banner tone="warn">
          {claim.by} has this job for {duration(claim.left)} more. You can read it, not decide.
        </Banner>
      )}
      {endsSoon && (
        <Banner tone="warn">
          Your claim ends in {duration(claim.left)}. Move, or press a key, to keep it.
        </Banner>
      )}
    </div>
  );
}

const ENDED: Record<Review['status'], string> = {
  bot: 'The model is writing a new answer. It comes back to the queue by itself.',
  human: '',
  success: 'This answer is approved and delivered.',
  fail: 'This job has ended without an answer.',
};

/** A line between the job and its answer. */
export function Banner({
  tone = 'plain',
  action,
  children,
}: {
  tone?: 'plain' | 'warn' | 'bad';
  action?: ReactNode;
  children: ReactNode;
}) {
  const look = { plain: '', warn: 'text-warn', bad: 'text-bad' }[tone];
  return (
    <div
      role={tone === 'bad' ? 'alert' : undefined}
      className={`flex items-center gap-3 border-b border-line bg-sunken px-4 py-1.5 ${look}`}
    >
      <span>{children}</span>
      {action}
    </div>
  );
}
