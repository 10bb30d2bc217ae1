import type { DataSource } from 'typeorm';
import type { Scope } from '../caller';
import { quick } from '../prepared';
import { inTime, type Timed } from '../jobs/in-time';

/** A remark that reviewers leave on a job for each other. */
export interface Note extends Scope, Timed {
  /** Noting again with the same id notes nothing more. */
  id: string;
  jobId: string;
  actor: string;
  text: string;
}

/** Adds a note to a job in any status. Answers whether the job is there, and was not erased. */
export async function addNote(database: DataSource, note: Note): Promise<boolean> {
  // Two statements, since only one that begins after the lock sees what its last holder has noted.
  return database.transaction(async (transaction) => {
    const rows: unknown[] = await transaction.query(
      quick('SELECT 1 FROM jobs WHERE id = $1 AND project = $2 AND erased_at IS NULL FOR NO KEY UPDATE'),
      [note.jobId, note.project],
    );
    await transaction.query(
      quick(`INSERT INTO job_events (job_id, type, status, revision, actor, policy_hash, data)
       SELECT id, 'noted', status, revision, $2, policy_hash, jsonb_build_object('note_id', $3::uuid, 'text', $4::text)
       FROM jobs
       WHERE id = $1::uuid AND project = $6 AND erased_at IS NULL AND ${inTime('$5::timestamptz')}
         AND NOT EXISTS (SELECT FROM job_events e WHERE e.job_id = $1::uuid AND e.type = 'noted' AND e.data ->> 'note_id' = $3::uuid::text)`),
      [note.jobId, note.actor, note.id, note.text, note.deadline ?? null, note.project],
    );
    return rows.length > 0;
  });
}
