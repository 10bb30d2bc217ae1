import type { Review } from '../../api/client';
import type { Claim } from './claim';

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
