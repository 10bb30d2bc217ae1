import type { DataSource } from 'typeorm';
import type { Json } from '../../json';
import { BELL_GRACE_SECONDS, type Bell } from '../../outbox/bell';
import { FIRST_KICK_SECONDS } from './kick-overdue';

/** A request as the gateway accepts it. */
export interface NewJob {
  /** UUIDv7. */
  id: string;
  payload: Json;
  metadata: Record<string, string>;
  /** 0 to 9. */
  priority: number;
  actor: string;
}

export interface Submitted {
  createdAt: Date;
  bell: Bell;
}

/** — → bot. Answers in the order of the jobs. */
export async function submit(database: DataSource, jobs: NewJob[]): Promise<Submitted[]> {
  const rows: { id: string; createdAt: Date; bellId: string }[] = await database.query(
    `WITH input AS (
       SELECT * FROM unnest($1::uuid[], $2::jsonb[], $3::jsonb[], $4::smallint[], $5::text[])
         AS t (id, payload, metadata, priority, actor)
     ), job AS (
       INSERT INTO jobs (id, status, payload, metadata, priority, next_kick_at)
       SELECT id, 'bot', payload, metadata, priority, now() + ${FIRST_KICK_SECONDS} * interval '1 second' FROM input
       RETURNING id, created_at
     ), event AS (
       INSERT INTO job_events (job_id, type, status, revision, actor)
       SELECT id, 'submitted', 'bot', 0, actor FROM input
     ), bell AS (
       INSERT INTO outbox (pattern, job_id, due_at)
       SELECT 'inference.requested', id, now() + ${BELL_GRACE_SECONDS} * interval '1 second' FROM job
       RETURNING id, job_id
     )
     SELECT job.id, job.created_at AS "createdAt", bell.id AS "bellId" FROM job JOIN bell ON bell.job_id = job.id`,
    [
      jobs.map((job) => job.id),
      jobs.map((job) => JSON.stringify(job.payload)),
      jobs.map((job) => JSON.stringify(job.metadata)),
      jobs.map((job) => job.priority),
      jobs.map((job) => job.actor),
    ],
  );
  const byId = new Map(rows.map((row) => [row.id, row]));
  return jobs.map((job) => {
    const row = byId.get(job.id);
    if (!row) throw new Error(`the database did not store job ${job.id}`);
    return {
      createdAt: row.createdAt,
      bell: { id: row.bellId, pattern: 'inference.requested', jobId: job.id },
    };
  });
}
