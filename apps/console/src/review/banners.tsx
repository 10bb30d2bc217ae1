import type { ReactNode } from 'react';
import type { Review } from '../api/client';
import { Button } from '../ui/button';
import { Act } from '../ui/act';
import { Banner } from '../ui/banner';
import { reviewer } from '../api/reviewer';
import { clip, visible } from '../text/hygiene';
import { duration, moment, timeOfDay } from '../text/time';
import type { Claim } from './decision/claim';
import { UseAnswer } from './decision/restore';
import { LOOKS } from '../verdicts/looks';

/** Characters of what a model, or a reviewer, said that a banner shows. */
const MAX_DETAIL_LENGTH = 300;

interface BannersProps {
  review: Review;
  claim: Claim;
  /** Why nothing can be decided; null: it can, or nobody waits for it. */
  why: string | null;
  fault: string | null;
  onNext: () => void;
  onUndo: () => void;
  /** What there is to know of what one has written. */
  children: ReactNode;
}

/** What one should know before deciding, in a line each. */
export function Banners({ review, claim, why, fault, onNext, onUndo, children }: BannersProps) {
  const { held } = review.review;
  const waits = review.status === 'human' && held === null;
  const isTheirs = waits && claim.state === 'theirs';
  const endsSoon = waits && claim.endsSoon;
  const next = <Button onClick={onNext}>Next job</Button>;
  return (
    <div className="max-h-[30vh] shrink-0 overflow-y-auto">
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
                    Use the earlier response
                  </UseAnswer>
                )}
                {next}
              </>
            }
          >
            {held
              ? `${held.by === reviewer() ? 'You have' : `${held.by} has`} decided: ${held.verdict}. It takes effect at ${timeOfDay(held.until)}.`
              : ENDED[review.status]}{' '}
            {!held && endOf(review)}
          </Banner>
        )}
        {waits && review.regeneration_failed && (
          <Banner tone="warn">
            The model returned no new response, so the earlier one waits again.{' '}
            {visible(clip(review.regeneration_failed.detail, MAX_DETAIL_LENGTH).text)}
            {review.regeneration_failed.feedback !== null && (
              <span className="block">
                {visible(review.regeneration_failed.by)} had asked:{' '}
                {visible(clip(review.regeneration_failed.feedback, MAX_DETAIL_LENGTH).text)}
              </span>
            )}
          </Banner>
        )}
        {waits && why !== null && !isTheirs && (
          <Banner tone="warn" action={next}>
            You cannot decide here. {why}
          </Banner>
        )}
        {children}
      </div>
      {isTheirs && (
        <Banner tone="warn" action={next}>
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
  bot: 'The model is writing a new response. The job returns to the queue automatically.',
  human: '',
  success: 'This response is approved and delivered.',
  fail: 'This job has ended without a response.',
};

/** Who or what has ended a job, and why. */
function endOf({ status, failure, review: { rule, deadline_at }, remarks: { outcome } }: Review): string {
  const byRule = (name: string | null): string =>
    name === null ? 'the policy' : `rule ${visible(name)} of the policy`;
  if (outcome) {
    const { verdict, by, automatic, at_deadline, reason_code, reason, submitter_message } = outcome;
    if (automatic) {
      const verb = LOOKS[verdict].done;
      return at_deadline
        ? `${verb} by ${byRule(outcome.rule)} at its deadline, because nobody had decided.`
        : `${verb} by ${byRule(outcome.rule)}; no person has judged it.`;
    }
    const words = [reason_code?.replaceAll('_', ' '), reason].filter((each) => each != null && each !== '');
    const why = words.length > 0 ? `: ${words.join(', ')}` : '';
    const told = submitter_message ? ` To the submitter: ${submitter_message}` : '';
    return visible(`${LOOKS[verdict].done} by ${by}, ${moment(outcome.at)}${why}.${told}`);
  }
  if (status !== 'fail' || !failure) return '';
  if (failure.reason === 'expired')
    return `It expired${deadline_at === null ? '' : ` ${moment(deadline_at)}`} by ${byRule(rule)}, because nobody had decided.`;
  return visible(`${failure.reason.replaceAll('_', ' ')}${failure.detail ? `: ${failure.detail}` : ''}`);
}
