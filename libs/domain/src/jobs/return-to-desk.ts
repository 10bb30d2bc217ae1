import type { DataSource } from 'typeorm';
import type { Lease } from './claim';
import { locked } from './lock';

/**
 * What of the job `j` comes back, contents as their text, when the model gives no other answer, or a reviewer no longer wants one.
 */
export const FALLBACK = `jsonb_build_object(
  'response', j.response::text, 'model_response', j.model_response::text, 'edited', j.edited, 'violations', j.response_violations,
  'payload', j.payload::text, 'original_payload', j.original_payload::text, 'model', j.model, 'asked', j.asked, 'feedbacks', cardinality(j.feedback), 'by', r.actor, 'feedback', r.feedback,
  'waiting_since', j.waiting_since, 'remind_at', j.remind_at, 'escalate_at', j.escalate_at, 'deadline_at', j.deadline_at)`;

/**
 * What an UPDATE sets for the desk's times of the job `j` that returns from `bot`: those it had. A rule that would
 * approve at the deadline lets it fail then, since a person has sent this very answer back.
 */
export const TIMES_BACK = ['waiting_since', 'remind_at', 'escalate_at', 'deadline_at']
  .map((name) => `${name} = (j.fallback ->> '${name}')::timestamptz`)
  .concat(`on_deadline = CASE WHEN j.fallback ->> 'deadline_at' IS NOT NULL THEN 'fail' END`)
  .join(', ');

/** What an UPDATE sets for a job that leaves `bot`, whoever holds it. */
export const OFF_LEASE =
  'lease_token = NULL, lease_until = NULL, next_kick_at = NULL, kicks = 0, fallback = NULL';

/**
 * bot → human, for each job that is still held under its token and that a reviewer had sent back: the answer from
 * before waits again, as a new revision, with the plan and the times that it had. The others are left as they are.
 * @param outcomes `detail` says why there is no other answer
 * @returns the ids of the jobs that have returned
 */
export async function returnToDesk(
  database: DataSource,
  outcomes: (Lease & { detail: string })[],
): Promise<Set<string>> {
  if (outcomes.length === 0) return new Set();
  const rows: { id: string }[] = await database.query(
    `WITH input AS (
       SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS t ("jobId", token, detail)
     ), ${locked('lease_token', 'payload', 'revision', 'fallback')}, held AS MATERIALIZED (
       SELECT input.*, l.status, l.payload AS old_payload, l.revision AS old_revision, l.fallback
       FROM input JOIN locked l ON l.id = input."jobId"
       WHERE l.status = 'bot' AND l.lease_token = input.token AND l.fallback IS NOT NULL
     ), job AS (
       UPDATE jobs j
       SET status = 'human', response = (j.fallback ->> 'response')::json, model_response = (j.fallback ->> 'model_response')::json,
           edited = (j.fallback -> 'edited')::boolean, response_violations = nullif(j.fallback -> 'violations', 'null'), payload = (j.fallback ->> 'payload')::json,
           original_payload = (j.fallback ->> 'original_payload')::json, model = j.fallback ->> 'model', asked = j.fallback ->> 'asked', revision = j.revision + 1, approved_by = '{}', rejected_by = '{}',
           feedback = j.feedback[:(j.fallback ->> 'feedbacks')::int], feedback_on = j.feedback_on[:(j.fallback ->> 'feedbacks')::int],
           regeneration_failed = jsonb_build_object('detail', held.detail, 'at', now(), 'by', j.fallback -> 'by', 'feedback', j.fallback -> 'feedback'),
           updated_at = now(), ${TIMES_BACK}, ${OFF_LEASE}
       FROM held WHERE j.id = held."jobId" AND j.status = held.status
       RETURNING j.id, j.revision, j.policy_hash, encode(hitl_content_hash(j.response), 'hex') AS response_hash, held.detail, held.old_revision,
                 CASE WHEN held.old_payload::text <> j.payload::text THEN jsonb_build_object('payload', held.old_payload::text) END AS replaced
     ), event AS (
       INSERT INTO job_events (job_id, type, status, revision, actor, policy_hash, data, replaced)
       SELECT id, 'regeneration_failed', 'human', revision, 'worker', policy_hash,
              jsonb_build_object('detail', detail, 'restored_revision', old_revision, 'response_hash', response_hash), replaced
       FROM job
     )
     SELECT id FROM job`,
    [
      outcomes.map(({ jobId }) => jobId),
      outcomes.map(({ token }) => token),
      outcomes.map(({ detail }) => detail),
    ],
  );
  return new Set(rows.map(({ id }) => id));
}
