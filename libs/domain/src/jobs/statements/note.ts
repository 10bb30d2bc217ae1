import type { DataSource } from 'typeorm';

/** A remark that reviewers leave on a job for each other. */
export interface Note {
  /** Noting again with the same id notes nothing more. */
  id: string;
  jobId: string;
  actor: string;
  text: string;
}

/** Adds a note to a job in any status. Answers whether the job is there. */
export async function addNote(database: DataSource, note: Note): Promise<boolean> {
  const rows: unknown[] = await database.query(
    `WITH job AS (
       SELECT id, status, revision, policy_hash FROM jobs WHERE id = $1::uuid FOR NO KEY UPDATE
     ), event AS (
       INSERT INTO job_events (job_id, type, status, revision, actor, policy_hash, data)
       SELECT id, 'noted', status, revision, $2, policy_hash, jsonb_build_object('note_id', $3::uuid, 'text', $4::text)
       FROM job
       WHERE NOT EXISTS (SELECT FROM job_events e WHERE e.job_id = $1::uuid AND e.type = 'noted' AND e.data ->> 'note_id' = $3::uuid::text)
     )
     SELECT id FROM job`,
    [note.jobId, note.actor, note.id, note.text],
  );
  return rows.length > 0;
}
