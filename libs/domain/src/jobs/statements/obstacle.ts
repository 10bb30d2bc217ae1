/** Why a reviewer may not approve or reject what waits, in the order in which they are found. */
export const OBSTACLES = [
  /** The job is in `success` or `fail`. */
  'ended',
  /** The job is in `bot`: there is no answer to decide on. */
  'not_waiting',
  /** A decision is held that can still be undone. */
  'pending_decision',
  /** The policy has not said yet who must review. */
  'not_planned',
  'claimed_by_other',
  'other_group',
  /** The reviewer submitted the job, and the policy wants other eyes on it. */
  'four_eyes',
  /** The reviewer has judged this very answer, and more people must. */
  'already_voted',
] as const;
export type Obstacle = (typeof OBSTACLES)[number];

/** Who asks whether they may decide, and by which rules. */
export interface DeskCaller {
  actor: string;
  desk: DeskRules;
}

/** What a reviewer may do. */
export interface DeskRules {
  /** The groups that the reviewer is in. */
  groups: string[];
  /** Whether jobs without the policy's plan must wait for it. */
  requirePlan: boolean;
  /** How often a job may be sent back to the model. */
  maxRegenerations: number;
}

/**
 * SQL for the {@link Obstacle} before the reviewer `actor` with the {@link DeskRules} `desk` (text and jsonb
 * expressions) on the job `j`; null where there is none. The guard of `decide` and what reviewers are shown are both
 * made of it, so that they cannot disagree.
 */
export function obstacle(actor: string, desk: string, job = 'j'): string {
  const is = (name: Obstacle, condition: string): string => `WHEN ${condition} THEN '${name}'`;
  return `CASE
    ${is('ended', `${job}.status IN ('success', 'fail')`)}
    ${is('not_waiting', `${job}.status <> 'human'`)}
    ${is('pending_decision', `${job}.held_until IS NOT NULL`)}
    ${is('not_planned', `${job}.planned_at IS NULL AND (${desk} ->> 'requirePlan')::boolean`)}
    ${is('claimed_by_other', `${job}.claimed_until > now() AND ${job}.claimed_by <> ${actor}`)}
    ${is('other_group', `${job}.review_group <> '' AND NOT ${desk} -> 'groups' ? ${job}.review_group`)}
    ${is('four_eyes', `${job}.four_eyes AND ${job}.submitter = ${actor}`)}
    ${is('already_voted', `${actor} = ANY (${job}.approved_by || ${job}.rejected_by)`)}
  END`;
}
