import type { DataSource } from 'typeorm';
import { DELIVERIES } from './deliveries';

/** bot → fail or human → fail, reason `cancelled`. Answers whether the job was still open. */
export async function cancel(database: DataSource, jobId: string, actor: string): Promise<boolean> {
  const rows: unknown[] = await database.query(
    `WITH job AS (
       UPDATE jobs
       SET status = 'fail', failure_reason = 'cancelled', failure_detail = 'cancelled by ' || $2::text, finished_at = now(),
           updated_at = now(), lease_token = NULL, lease_until = NULL, next_kick_at = NULL
       WHERE id = $1::uuid AND status IN ('bot', 'human')
       RETURNING id, revision, status, project, callback_url
     ), ${DELIVERIES}, event AS (
       INSERT INTO job_events (job_id, type, status, revision, actor)
       SELECT id, 'cancelled', 'fail', revision, $2::text FROM job
     )
     SELECT id FROM job`,
    [jobId, actor],
  );
  return rows.length > 0;
}
