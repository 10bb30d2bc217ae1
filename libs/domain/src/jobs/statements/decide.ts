import type { DataSource } from 'typeorm';
import type { Json } from '../../json';
import { BELL_GRACE_SECONDS, type Bell } from '../../outbox/bell';
import { STATUS_AFTER, type JobStatus, type Verdict } from '../transitions';
import { DELIVERIES } from './deliveries';
import { FIRST_KICK_SECONDS } from './kick-overdue';

export interface DecisionRequest {
  /** The decision's id; asking again with the same one decides nothing more. */
  id: string;
  jobId: string;
  verdict: Verdict;
  actor: string;
  /** The revision that was judged; null: whichever is current. */
  revision: number | null;
  /** The output as the reviewer changed it; null: unchanged. */
  response: Json;
  /** The input as the reviewer changed it; null: unchanged. */
  payload: Json;
  /** What the model should do differently, with `regenerate`. */
  feedback: string | null;
  reason: string | null;
}

export interface Decided {
  status: JobStatus;
  revision: number;
  /** Set when the model is asked again. */
  bell: Bell | null;
}

const STATUS_SQL = Object.entries(STATUS_AFTER)
  .map(([verdict, status]) => `WHEN '${verdict}' THEN '${status}'`)
  .join(' ');

/**
 * human → success, fail or bot, once per job that still waits with the judged revision; null for the others, and
 * for a decision that was made before, even when the job waits again since.
 * The released hash is the database's own, of the row that becomes `success`.
 * @param requests at most one per job
 */
export async function decide(database: DataSource, requests: DecisionRequest[]): Promise<(Decided | null)[]> {
  const rows: { jobId: string; status: JobStatus; revision: number; bellId: string | null }[] =
    await database.query(
      `WITH input AS (
         SELECT t.*, CASE verdict ${STATUS_SQL} END AS status_after
         FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::int[], $6::jsonb[], $7::jsonb[], $8::text[], $9::text[])
           AS t (decision_id, id, verdict, actor, revision, response, payload, feedback, reason)
       ), judged AS (
         SELECT input.*, j.revision AS judged_revision, j.response AS old_response, j.payload AS old_payload
         FROM input JOIN jobs j ON j.id = input.id
         WHERE NOT EXISTS (SELECT FROM decisions d WHERE d.id = input.decision_id)
       ), job AS (
         UPDATE jobs j
         SET status = judged.status_after,
             response = CASE WHEN judged.verdict <> 'regenerate' THEN coalesce(judged.response, j.response) END,
             payload = coalesce(judged.payload, j.payload),
             edited = CASE WHEN judged.verdict = 'regenerate' THEN false ELSE j.edited OR judged.response IS NOT NULL END,
             revision = j.revision + CASE WHEN judged.response IS NULL THEN 0 ELSE 1 END,
             feedback = CASE WHEN judged.feedback IS NOT NULL THEN j.feedback || judged.feedback ELSE j.feedback END,
             round_attempts = 0,
             failure_reason = CASE judged.verdict WHEN 'reject' THEN 'rejected' END,
             failure_detail = CASE judged.verdict WHEN 'reject' THEN judged.reason END,
             finished_at = CASE WHEN judged.verdict <> 'regenerate' THEN now() END,
             next_kick_at = CASE judged.verdict WHEN 'regenerate' THEN now() + ${FIRST_KICK_SECONDS} * interval '1 second' END,
             updated_at = now()
         FROM judged
         WHERE j.id = judged.id AND j.status = 'human' AND j.revision = judged.judged_revision
           AND (judged.revision IS NULL OR judged.revision = j.revision)
         RETURNING j.id, j.status, j.revision, j.released_hash, j.project, j.callback_url, judged.decision_id, judged.verdict, judged.actor,
                   judged.feedback, judged.reason, judged.judged_revision,
                   CASE WHEN judged.payload IS NOT NULL THEN judged.old_payload END AS replaced_payload,
                   CASE WHEN judged.response IS NOT NULL OR judged.verdict = 'regenerate' THEN judged.old_response END AS replaced_response
       ), decision AS (
         INSERT INTO decisions (id, job_id, revision, verdict, actor, reason, feedback, released_revision, released_hash)
         SELECT decision_id, id, judged_revision, verdict, actor, reason, feedback,
                CASE status WHEN 'success' THEN revision END, released_hash
         FROM job
       ), event AS (
         INSERT INTO job_events (job_id, type, status, revision, actor, data, replaced)
         SELECT id, CASE verdict WHEN 'regenerate' THEN 'regenerated' ELSE 'decided' END, status, revision, actor,
                jsonb_build_object('decision_id', decision_id, 'verdict', verdict),
                nullif(CASE WHEN replaced_payload IS NULL THEN '{}' ELSE jsonb_build_object('payload', replaced_payload) END ||
                       CASE WHEN replaced_response IS NULL THEN '{}' ELSE jsonb_build_object('response', replaced_response) END, '{}')
         FROM job
       ), ${DELIVERIES}, bell AS (
         INSERT INTO outbox (pattern, job_id, due_at)
         SELECT 'inference.requested', id, now() + ${BELL_GRACE_SECONDS} * interval '1 second' FROM job WHERE status = 'bot'
         RETURNING id, job_id
       )
       SELECT job.id AS "jobId", job.status, job.revision, bell.id AS "bellId"
       FROM job LEFT JOIN bell ON bell.job_id = job.id`,
      [
        requests.map((request) => request.id),
        requests.map((request) => request.jobId),
        requests.map((request) => request.verdict),
        requests.map((request) => request.actor),
        requests.map((request) => request.revision),
        requests.map((request) => jsonOrNull(request.response)),
        requests.map((request) => jsonOrNull(request.payload)),
        requests.map((request) => request.feedback),
        requests.map((request) => request.reason),
      ],
    );
  const byJob = new Map(rows.map((row) => [row.jobId, row]));
  return requests.map(({ jobId }) => {
    const row = byJob.get(jobId);
    if (!row) return null;
    const bell = row.bellId ? { id: row.bellId, pattern: 'inference.requested' as const, jobId } : null;
    return { status: row.status, revision: row.revision, bell };
  });
}

/** JSON text for a jsonb parameter; null stands for "not given". */
export function jsonOrNull(value: Json): string | null {
  return value === null ? null : JSON.stringify(value);
}
