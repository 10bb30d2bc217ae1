import type { DataSource } from 'typeorm';
import { stepAt } from './at-work';
import { deliveries } from '../jobs/deliveries';
import { DRAFTS_GONE, OFF_DESK } from '../jobs/leave-desk';

const ENDS_AT = stepAt('deadline_at');
const ESCALATES_AT = stepAt('escalate_at');

/** A step that a job has taken because time passed. */
export interface LadderStep {
  jobId: string;
  type: 'reminded' | 'escalated' | 'expired';
}

/**
 * Takes the last step that is due of each waiting job's ladder: remind, escalate to a group, or human → fail. Jobs
 * that are to be approved at their deadline, and held decisions, are left alone; somebody at work puts off all but the
 * reminder, for as long as the policy allows.
 */
export async function climbLadder(database: DataSource, limit: number): Promise<LadderStep[]> {
  return database.query(
    `WITH due AS (
       SELECT id, CASE WHEN ${ENDS_AT} <= now() THEN 'expired' WHEN ${ESCALATES_AT} <= now() THEN 'escalated' ELSE 'reminded' END AS step
       FROM jobs j
       WHERE next_step_at <= now() AND status = 'human' AND held_until IS NULL
         AND (${ENDS_AT} <= now() AND on_deadline = 'approve') IS NOT TRUE
         AND least(remind_at, ${ESCALATES_AT}, ${ENDS_AT}) <= now()
       ORDER BY next_step_at LIMIT $1 FOR UPDATE SKIP LOCKED
     ), gone AS (
       UPDATE jobs j
       SET status = 'fail', failure_reason = 'expired', finished_at = now(), updated_at = now(),
           failure_detail = 'nobody decided by ' || to_char(deadline_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), ${OFF_DESK}
       FROM due WHERE j.id = due.id AND due.step = 'expired'
       RETURNING j.id, j.status, j.revision, j.policy_hash, j.project, j.callback_url, j.review_group, due.step
     ), stayed AS (
       UPDATE jobs j
       SET remind_at = NULL, updated_at = now(),
           escalate_at = CASE due.step WHEN 'escalated' THEN NULL ELSE j.escalate_at END,
           escalated_at = CASE due.step WHEN 'escalated' THEN now() ELSE j.escalated_at END,
           review_group = CASE due.step WHEN 'escalated' THEN coalesce(j.escalate_to, j.review_group) ELSE j.review_group END
       FROM due WHERE j.id = due.id AND due.step <> 'expired'
       RETURNING j.id, j.status, j.revision, j.policy_hash, j.project, j.callback_url, j.review_group, due.step
     ), job AS (
       SELECT * FROM gone UNION ALL SELECT * FROM stayed
     ), event AS (
       INSERT INTO job_events (job_id, type, status, revision, actor, policy_hash, data)
       SELECT id, step, status, revision, 'desk', policy_hash,
              CASE step WHEN 'escalated' THEN jsonb_build_object('because', 'it waited too long', 'group', review_group) END
       FROM job
     ), ${deliveries()}, ${DRAFTS_GONE}
     SELECT id AS "jobId", step AS type FROM job`,
    [limit],
  );
}

/** Jobs that nobody decided in time and that their policy says to approve then. */
export interface ApprovalAtDeadline {
  jobId: string;
  project: string;
  revision: number;
  rule: string | null;
  policyHash: string;
}

/** Up to `limit` jobs that are to be approved now because their deadline has passed. */
export async function dueApprovals(database: DataSource, limit: number): Promise<ApprovalAtDeadline[]> {
  return database.query(
    `SELECT id AS "jobId", project, revision, rule, policy_hash AS "policyHash" FROM jobs j
     WHERE next_step_at <= now() AND status = 'human' AND held_until IS NULL AND ${ENDS_AT} <= now() AND on_deadline = 'approve'
     ORDER BY next_step_at LIMIT $1`,
    [limit],
  );
}
