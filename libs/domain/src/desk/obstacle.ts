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
  /** The reviewer submitted the job, and the policy or the desk wants other eyes on it. */
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
  /** Whether nobody decides on what they have submitted themselves, whatever a plan says. */
  fourEyes: boolean;
  /** How often a job may be sent back to the model. */
  maxRegenerations: number;
}

/** When each is in the way, in SQL: of the reviewer, the desk's rules and the job. */
const CONDITIONS: Record<Obstacle, (actor: string, desk: string, job: string) => string> = {
  ended: (_actor, _desk, job) => `${job}.status IN ('success', 'fail')`,
  not_waiting: (_actor, _desk, job) => `${job}.status <> 'human'`,
  pending_decision: (_actor, _desk, job) => `${job}.held_until IS NOT NULL`,
  not_planned: (_actor, desk, job) => `${job}.planned_at IS NULL AND (${desk} ->> 'requirePlan')::boolean`,
  claimed_by_other: (actor, _desk, job) => `${job}.claimed_until > now() AND ${job}.claimed_by <> ${actor}`,
  other_group: (_actor, desk, job) =>
    `${job}.review_group <> '' AND NOT ${desk} -> 'groups' ? ${job}.review_group`,
  four_eyes: (actor, desk, job) =>
    `${job}.submitter = ${actor} AND (${job}.four_eyes OR (${desk} ->> 'fourEyes')::boolean)`,
  already_voted: (actor, _desk, job) => `${actor} = ANY (${job}.approved_by || ${job}.rejected_by)`,
};

/** What keeps a reviewer from changing an answer without judging it: whoever has judged it may still change it. */
export const CHANGE_OBSTACLES = OBSTACLES.filter((name) => name !== 'already_voted');

/**
 * SQL for the {@link Obstacle} before the reviewer `actor` with the {@link DeskRules} `desk` (text and jsonb
 * expressions) on the job `job`; null where there is none. The guards of what reviewers do and what they are shown are
 * all made of it, so that they cannot disagree.
 * @param among the ones that count, in their order
 */
export function obstacle(
  actor: string,
  desk: string,
  { job = 'j', among = OBSTACLES }: { job?: string; among?: readonly Obstacle[] } = {},
): string {
  const cases = among.map((name) => `WHEN ${CONDITIONS[name](actor, desk, job)} THEN '${name}'`);
  return `CASE\n    ${cases.join('\n    ')}\n  END`;
}
