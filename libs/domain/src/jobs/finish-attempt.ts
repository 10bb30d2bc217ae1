import type { DataSource } from 'typeorm';
import type { FieldFault } from '../errors';
import type { JsonText } from '../json';
import { jsonArray } from '../json-array';
import { hidden, jsonOrNull, prepared } from '../prepared';
import { BELL_GRACE_SECONDS, type Bell } from '../outbox/bell';
import type { ModelFailure, Usage } from './job.entity';
import type { Lease } from './claim';
import { deliveries } from './deliveries';
import { DRAFTS_GONE } from './leave-desk';
import { locked } from './lock';
import { returnToDesk } from './return-to-desk';

export interface Inferred extends Lease {
  response: JsonText;
  /** Which provider answered. */
  provider: string;
  /** What this answer has used; null when the provider does not say. */
  usage: Usage | null;
  /** How it breaks what was asked for, and what could not be checked; null: not at all. */
  violations?: FieldFault[] | null;
}

/** bot → human, for each job still held under its token; null where somebody was first. */
export async function complete(database: DataSource, outcomes: Inferred[]): Promise<(Bell | null)[]> {
  const rows: { jobId: string; bellId: string }[] = await database.query(
    prepared(
      'complete',
      `WITH input AS (SELECT * FROM unnest(${hidden('$1::uuid[]')}, $2::uuid[], $3::json[], $4::text[], $5::jsonb[], $6::jsonb[])
       AS t ("jobId", token, response, provider, usage, violations)), ${locked('lease_token')},
     held AS MATERIALIZED (
       SELECT input.*, l.status FROM input JOIN locked l ON l.id = input."jobId" WHERE l.status = 'bot' AND l.lease_token = input.token
     ), job AS (
       UPDATE jobs j
       SET status = 'human', response = held.response, edited = false, revision = j.revision + 1, updated_at = now(),
           usage = CASE WHEN j.usage IS NULL OR held.usage IS NULL THEN coalesce(j.usage, held.usage) ELSE hitl_add_usage(j.usage, held.usage) END,
           response_violations = held.violations, fallback = NULL, regeneration_failed = NULL,
           lease_token = NULL, lease_until = NULL, next_kick_at = NULL, kicks = 0, waiting_since = now(), model_response = NULL,
           planned_at = NULL, rule = NULL, policy_hash = NULL, approvals = 1, four_eyes = false, review_group = '',
           approved_by = '{}', rejected_by = '{}', escalate_to = NULL, escalated_at = NULL, on_deadline = NULL
       FROM held WHERE j.id = held."jobId" AND j.status = held.status
       RETURNING j.id, j.revision, encode(hitl_content_hash(j.response), 'hex') AS response_hash, held.provider, held.usage
     ), event AS (
       INSERT INTO job_events (job_id, type, status, revision, actor, data)
       SELECT id, 'inferred', 'human', revision, 'worker', 
              jsonb_build_object('provider', provider, 'usage', usage, 'response_hash', response_hash)
       FROM job
     ), bell AS (
       INSERT INTO outbox (pattern, job_id, due_at)
       SELECT 'review.requested', id, now() + ${BELL_GRACE_SECONDS} * interval '1 second' FROM job
       RETURNING id, job_id
     )
     SELECT id AS "bellId", job_id AS "jobId" FROM bell`,
    ),
    [
      outcomes.map((outcome) => outcome.jobId),
      outcomes.map((outcome) => outcome.token),
      jsonArray(outcomes.map((outcome) => outcome.response)),
      outcomes.map((outcome) => outcome.provider),
      outcomes.map((outcome) => jsonOrNull(outcome.usage)),
      outcomes.map((outcome) => jsonOrNull(outcome.violations)),
    ],
  );
  const byJob = new Map(rows.map((row) => [row.jobId, row]));
  return outcomes.map(({ jobId }) => {
    const row = byJob.get(jobId);
    return row ? { id: row.bellId, pattern: 'review.requested', jobId } : null;
  });
}

export interface FailedAttempt extends Lease {
  /** What went wrong, for the people who run it. */
  detail: string;
  /** What the provider said, if it said anything. */
  failure?: ModelFailure | null;
  /** When to try again, in milliseconds from now; null: never, the job fails. */
  retryInMs: number | null;
}

/**
 * Ends attempts that brought no answer: back to waiting in `bot` with a due time, or bot → fail; a job that a reviewer
 * had sent back returns to them instead, bot → human. Answers whether the job was still held under its token.
 */
export async function failAttempt(database: DataSource, outcomes: FailedAttempt[]): Promise<boolean[]> {
  const returned = await returnToDesk(
    database,
    outcomes.filter(({ retryInMs }) => retryInMs === null),
  );
  const others = outcomes.filter(({ jobId }) => !returned.has(jobId));
  const ended = others.length > 0 ? await retryOrFail(database, others) : returned;
  return outcomes.map(({ jobId }) => returned.has(jobId) || ended.has(jobId));
}

/** The jobs that were still held under their tokens. */
async function retryOrFail(database: DataSource, outcomes: FailedAttempt[]): Promise<Set<string>> {
  const rows: { id: string }[] = await database.query(
    `WITH input AS (
       SELECT *, now() + retry_in * interval '1 millisecond' AS due
       FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::jsonb[]) AS t ("jobId", token, detail, retry_in, failure)
     ), ${locked('lease_token')}, held AS MATERIALIZED (
       SELECT input.*, l.status FROM input JOIN locked l ON l.id = input."jobId" WHERE l.status = 'bot' AND l.lease_token = input.token
     ), job AS (
       UPDATE jobs j
       SET status = CASE WHEN due IS NULL THEN 'fail' ELSE 'bot' END,
           failure_reason = CASE WHEN due IS NULL THEN 'inference_failed' END,
           failure_detail = CASE WHEN due IS NULL THEN held.detail END,
           model_failure = CASE WHEN due IS NULL THEN held.failure END,
           finished_at = CASE WHEN due IS NULL THEN now() END,
           lease_token = NULL, lease_until = due, next_kick_at = due, kicks = 0, updated_at = now()
       FROM held WHERE j.id = held."jobId" AND j.status = held.status
       RETURNING j.id, j.status, j.revision, j.project, j.callback_url, held.detail
     ), event AS (
       INSERT INTO job_events (job_id, type, status, revision, actor, data)
       SELECT id, CASE status WHEN 'fail' THEN 'failed' ELSE 'attempt_failed' END, status, revision, 'worker',
              jsonb_build_object('detail', detail)
       FROM job
     ), ${deliveries()}, ${DRAFTS_GONE}
     SELECT id FROM job`,
    [
      outcomes.map((outcome) => outcome.jobId),
      outcomes.map((outcome) => outcome.token),
      outcomes.map((outcome) => outcome.detail),
      outcomes.map((outcome) => outcome.retryInMs),
      outcomes.map((outcome) => jsonOrNull(outcome.failure)),
    ],
  );
  return new Set(rows.map((row) => row.id));
}
