import type { DataSource } from 'typeorm';
import { BELL_GRACE_SECONDS } from '../outbox/bell';
import { quick } from '../prepared';
import { payloadOf, type Decided, type Judgement } from './decide';
import { inTime } from '../jobs/in-time';
import { KICK_SECONDS } from '../jobs/kick-overdue';

/**
 * fail → bot, for a job that the model has failed and that a person wants it to try again. Tellings of the failure that
 * have not got through are taken back, since they would come after those of the later end.
 * @param judgement the verdict `regenerate`
 * @returns null where the job has not failed for that reason or is at another revision, and for a decision that was
 *   made before
 */
export async function retry(database: DataSource, judgement: Judgement): Promise<Decided | null> {
  const { model, asked } = payloadOf(judgement);
  const rows: { bellId: string; revision: number }[] = await database.query(
    quick(`WITH before AS (
       SELECT id, payload FROM jobs WHERE id = $2::uuid AND project = $13
     ), job AS (
       UPDATE jobs j
       SET status = 'bot', failure_reason = NULL, failure_detail = NULL, model_failure = NULL, finished_at = NULL, round_attempts = 0, kicks = 0,
           payload = coalesce($5::json, j.payload),
           model = CASE WHEN $5::json IS NULL THEN j.model ELSE $11::text END,
           asked = CASE WHEN $5::json IS NULL THEN j.asked ELSE $12::text END,
           original_payload = CASE WHEN $5::json IS NULL THEN j.original_payload ELSE coalesce(j.original_payload, j.payload) END,
           feedback = CASE WHEN $6::text IS NULL THEN j.feedback ELSE j.feedback || $6::text END,
           feedback_on = CASE WHEN $6::text IS NULL THEN j.feedback_on ELSE j.feedback_on || j.revision END,
           next_kick_at = now() + ${KICK_SECONDS} * interval '1 second', updated_at = now()
       FROM before r
       WHERE j.id = r.id AND j.status = 'fail' AND j.failure_reason = 'inference_failed' AND j.erased_at IS NULL AND ($4::int IS NULL OR j.revision = $4)
         AND ${inTime('$10::timestamptz')}
         AND NOT EXISTS (SELECT FROM decisions d WHERE d.id = $1::uuid)
       RETURNING j.id, j.project, j.revision, j.model, j.policy_hash, CASE WHEN $5::json IS NOT NULL THEN jsonb_build_object('payload', r.payload::text) END AS replaced
     ), decision AS (
       INSERT INTO decisions (id, job_id, project, revision, verdict, actor, reason, reason_code, feedback, request_hash, model, policy_hash)
       SELECT $1::uuid, id, project, revision, 'regenerate', $3, $7, $8, $6, decode($9, 'hex'), model, policy_hash FROM job
     ), event AS (
       INSERT INTO job_events (job_id, type, status, revision, actor, policy_hash, data, replaced)
       SELECT id, 'retried', 'bot', revision, $3, policy_hash,
              jsonb_strip_nulls(jsonb_build_object(
                'decision_id', $1::uuid, 'verdict', 'regenerate', 'judged_revision', revision, 'reason', $7::text, 'reason_code', $8::text,
                'feedback', $6::text)), replaced
       FROM job
     ), untold AS (
       DELETE FROM webhook_deliveries d USING job WHERE d.job_id = job.id AND d.status = 'waiting' AND d.type = 'job.failed'
     ), bell AS (
       INSERT INTO outbox (pattern, job_id, due_at)
       SELECT 'inference.requested', id, now() + ${BELL_GRACE_SECONDS} * interval '1 second' FROM job
       RETURNING id
     )
     SELECT bell.id AS "bellId", job.revision FROM job, bell`),
    [
      judgement.id,
      judgement.jobId,
      judgement.actor,
      judgement.revision,
      judgement.payload,
      judgement.feedback,
      judgement.reason,
      judgement.reasonCode,
      judgement.requestHash,
      judgement.deadline ?? null,
      model,
      asked,
      judgement.project,
    ],
  );
  const [row] = rows;
  if (!row) return null;
  const bell = { id: row.bellId, pattern: 'inference.requested' as const, jobId: judgement.jobId };
  return { status: 'bot', revision: row.revision, bell };
}
