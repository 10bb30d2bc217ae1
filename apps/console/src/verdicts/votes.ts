import type { Decision, Review } from '../api/client';

/** How many more people must decide like this until it takes effect, whoever decides now among them; of an edit nobody has yet. */
export function votesLeft(
  {
    approvals,
    approved_by,
    rejected_by,
  }: Pick<Review['review'], 'approvals' | 'approved_by' | 'rejected_by'>,
  verdict: Decision['verdict'],
): number {
  const voters: Partial<Record<typeof verdict, string[]>> = {
    approve: approved_by,
    reject: rejected_by,
    edit: [],
  };
  const like = voters[verdict];
  // Any other verdict takes effect alone.
  return like === undefined ? 1 : Math.max(1, approvals - like.length);
}
