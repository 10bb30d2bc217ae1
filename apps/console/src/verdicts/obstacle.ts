import type { Review, ReviewSummary } from '../api/client';
import type { Claim } from '../review/decision/claim';

type Obstacle = NonNullable<Review['not_decidable_because']>;

/** Obstacles in one word or two, for a row of the queue. */
export const SHORT: Record<Obstacle, string> = {
  ended: 'ended',
  not_waiting: 'with the model',
  pending_decision: 'decided',
  not_planned: 'being planned',
  claimed_by_other: 'claimed',
  other_group: 'for another group',
  four_eyes: 'submitted by you',
  already_voted: 'judged by you',
};

/** Why one cannot approve or reject a job now, in a sentence; null: one can. */
export function whyNot(review: Review, claim: Pick<Claim, 'state' | 'by' | 'refusal'>): string | null {
  const { not_decidable_because: obstacle, status } = review;
  const { group, held } = review.review;
  if (status === 'success' || status === 'fail') return 'This job has ended: nothing is left to decide.';
  if (status === 'bot') return 'The model is writing a new response: there is nothing to decide on yet.';
  if (held !== null) return `${held.by} has decided already: ${held.verdict}.`;
  // What is claimed is known here sooner than the obstacle is told.
  if (claim.state === 'theirs')
    return `${claim.by ?? 'Another reviewer'} is reviewing this: you can read it, not decide.`;
  switch (obstacle) {
    case 'not_planned':
      return 'The policy has not been applied yet. That takes a moment.';
    case 'other_group':
      return `Only the group ${group ?? ''} can decide this, and you are not in it.`;
    case 'four_eyes':
      return 'You submitted this request, so another reviewer must decide.';
    case 'already_voted':
      return 'You have already judged this response: others must agree before it takes effect.';
    default:
      return claim.state === 'refused' && claim.refusal ? claim.refusal.message : null;
  }
}

/** Whether a row of the queue leads to a job that its reader may decide on now. */
export function isDecidable(
  { not_decidable_because: obstacle, held, claim }: ReviewSummary,
  me: string,
): boolean {
  if (held !== null) return false;
  if (claim !== null && claim.by !== me && Date.parse(claim.until) > Date.now()) return false;
  // A claim that has ended, and a decision that was taken back, are told by nobody.
  return obstacle === null || obstacle === 'claimed_by_other' || obstacle === 'pending_decision';
}
