import type { DataSource } from 'typeorm';
import { prepared } from '../prepared';
import { locked } from '../jobs/lock';

/** What a policy says about an answer: a human reviews it, or the policy decides. */
export const POLICY_OUTCOMES = ['human', 'approve', 'reject'] as const;
export type PolicyOutcome = (typeof POLICY_OUTCOMES)[number];

/** What a policy may decide instead of a human. */
export type PolicyVerdict = Exclude<PolicyOutcome, 'human'>;

/** What happens to a job at its deadline: it expires, or its response is delivered. */
export const ON_DEADLINE = ['fail', 'approve'] as const;
export type OnDeadline = (typeof ON_DEADLINE)[number];

/** Who must review an answer, how many, by when, and what happens then. Times are milliseconds since it began to wait. */
export interface ReviewPlan {
  /** The rule that made it; null: the policy's defaults. */
  rule: string | null;
  /** Different people who must agree. */
  approvals: number;
  /** The submitter may not be among them. */
  fourEyes: boolean;
  /** The group whose members may review; null: everybody. */
  group: string | null;
  remindAfterMs: number | null;
  escalateAfterMs: number | null;
  /** Where it goes when it escalates; null: it stays. */
  escalateTo: string | null;
  deadlineMs: number | null;
  onDeadline: OnDeadline;
  /** How long somebody at work may put the deadline and the escalation off. */
  deadlineGraceMs: number;
  /** Why a rule could not be followed; null: it could. */
  because: string | null;
}

export interface PlanRequest extends ReviewPlan {
  jobId: string;
  /** The revision that the policy looked at. */
  revision: number;
  policyHash: string;
  /** What the policy would have decided, only for the record. */
  shadow: { decisionId: string; verdict: PolicyVerdict; rule: string } | null;
}

/**
 * Writes each job's plan, once per answer; false where the answer is not there any more or has its plan already.
 * @param requests at most one per job
 */
export async function plan(database: DataSource, requests: PlanRequest[]): Promise<boolean[]> {
  const rows: { id: string }[] = await database.query(
    prepared(
      'plan',
      `WITH input AS (
       SELECT * FROM jsonb_to_recordset($1::jsonb) AS t (
         "jobId" uuid, revision int, rule text, "policyHash" text, approvals smallint, "fourEyes" boolean, "group" text,
         "remindAfterMs" bigint, "escalateAfterMs" bigint, "escalateTo" text, "deadlineMs" bigint, "onDeadline" text, "deadlineGraceMs" bigint,
         because text, shadow jsonb)
     ), ${locked('planned_at', 'held_until', 'revision')}, unplanned AS MATERIALIZED (
       SELECT input.*, l.status FROM input JOIN locked l ON l.id = input."jobId"
       WHERE l.status = 'human' AND l.planned_at IS NULL AND l.held_until IS NULL AND l.revision = input.revision
     ), job AS (
       UPDATE jobs j
       SET planned_at = now(), rule = r.rule, policy_hash = r."policyHash", approvals = r.approvals, four_eyes = r."fourEyes",
           review_group = coalesce(r."group", ''), escalate_to = r."escalateTo", on_deadline = r."onDeadline",
           deadline_grace_seconds = r."deadlineGraceMs" / 1000,
           remind_at = j.waiting_since + r."remindAfterMs" * interval '1 millisecond',
           escalate_at = j.waiting_since + r."escalateAfterMs" * interval '1 millisecond',
           deadline_at = j.waiting_since + r."deadlineMs" * interval '1 millisecond', updated_at = now()
       FROM unplanned r WHERE j.id = r."jobId" AND j.status = r.status
       RETURNING j.id, j.project, j.revision, j.model, j.rule, j.policy_hash, j.approvals, j.four_eyes, j.review_group, j.deadline_at, j.on_deadline, j.deadline_grace_seconds,
                 r.because, r.shadow
     ), shadow AS (
       INSERT INTO decisions (id, job_id, project, revision, verdict, actor, final, automatic, shadow, approvals, model, rule, policy_hash)
       SELECT (shadow ->> 'decisionId')::uuid, id, project, revision, shadow ->> 'verdict', 'policy:' || (shadow ->> 'rule'), false, true, true,
              approvals, model, shadow ->> 'rule', policy_hash
       FROM job WHERE shadow IS NOT NULL
     ), event AS (
       INSERT INTO job_events (job_id, type, status, revision, actor, policy_hash, data)
       SELECT id, 'planned', 'human', revision, 'policy:' || coalesce(rule, 'defaults'), policy_hash,
              jsonb_strip_nulls(jsonb_build_object(
                'rule', rule, 'approvals', approvals, 'four_eyes', four_eyes, 'group', nullif(review_group, ''), 'deadline_at', deadline_at,
                'on_deadline', CASE WHEN deadline_at IS NOT NULL THEN on_deadline END,
                'deadline_grace_seconds', CASE WHEN deadline_at IS NOT NULL THEN deadline_grace_seconds END, 'because', because,
                'shadow_verdict', shadow ->> 'verdict'))
       FROM job
     )
     SELECT id FROM job`,
    ),
    [JSON.stringify(requests)],
  );
  const planned = new Set(rows.map((row) => row.id));
  return requests.map(({ jobId }) => planned.has(jobId));
}
