import type { DataSource } from 'typeorm';
import type { Scope } from '../caller';
import { quick } from '../prepared';
import { deliveries } from './deliveries';
import { inTime, type Timed } from './in-time';
import { DRAFTS_GONE, OFF_DESK } from './leave-desk';

/** bot → fail or human → fail, reason `cancelled`. Answers whether the job was still open. */
export async function cancel(
  database: DataSource,
  { jobId, project, actor, deadline }: { jobId: string; actor: string } & Scope & Timed,
): Promise<boolean> {
  const rows: unknown[] = await database.query(
    quick(`WITH job AS (
       UPDATE jobs
       SET status = 'fail', failure_reason = 'cancelled', failure_detail = 'cancelled by ' || $2::text, finished_at = now(),
           updated_at = now(), lease_token = NULL, lease_until = NULL, next_kick_at = NULL, fallback = NULL, ${OFF_DESK}
       WHERE id = $1::uuid AND project = $4 AND status IN ('bot', 'human') AND ${inTime('$3::timestamptz')}
       RETURNING id, revision, status, project, callback_url, policy_hash
     ), ${deliveries()}, ${DRAFTS_GONE}, event AS (
       INSERT INTO job_events (job_id, type, status, revision, actor, policy_hash)
       SELECT id, 'cancelled', 'fail', revision, $2::text, policy_hash FROM job
     )
     SELECT id FROM job`),
    [jobId, actor, deadline ?? null, project],
  );
  return rows.length > 0;
}
