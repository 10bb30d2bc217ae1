import type { Review, ReviewSummary } from '../api/client';

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
