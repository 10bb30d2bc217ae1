import type { DataSource } from 'typeorm';
import { BELL_GRACE_SECONDS, type Bell } from '../outbox/bell';

/** Seconds after which the reconciler rings for a job that nobody has taken, and rings again. */
export const KICK_SECONDS = 60;

/**
 * For a process that is alone with its database and whose queues died with the process before it: every job in `bot`
 * is overdue at once and nobody's, but for its back-off.
 */
export async function kickAll(database: DataSource): Promise<void> {
  // A back-off is a lease without a token.
  await database.query(
    `UPDATE jobs
     SET lease_token = NULL, lease_until = CASE WHEN lease_token IS NULL THEN lease_until END,
         next_kick_at = CASE WHEN lease_token IS NULL AND lease_until > now() THEN lease_until ELSE now() END
     WHERE status = 'bot'`,
  );
}

/** Rings again for up to `limit` jobs in `bot` that are overdue and that nobody holds. */
export async function kickOverdue(database: DataSource, limit: number): Promise<Bell[]> {
  return database.query(
    `WITH due AS (
       SELECT id FROM jobs
       WHERE status = 'bot' AND next_kick_at <= now() AND (lease_until IS NULL OR lease_until <= now())
       ORDER BY next_kick_at LIMIT $1 FOR UPDATE SKIP LOCKED
     ), job AS (
       UPDATE jobs j
       SET next_kick_at = now() + ${KICK_SECONDS} * interval '1 second',
           kicks = least(kicks + 1, 100)
       FROM due WHERE j.id = due.id RETURNING j.id
     ), bell AS (
       INSERT INTO outbox (pattern, job_id, due_at)
       SELECT 'inference.requested', id, now() + ${BELL_GRACE_SECONDS} * interval '1 second' FROM job
       RETURNING id, pattern, job_id
     )
     SELECT id, pattern, job_id AS "jobId" FROM bell`,
    [limit],
  );
}
