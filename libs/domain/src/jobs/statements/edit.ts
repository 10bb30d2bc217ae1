import type { DataSource } from 'typeorm';
import type { Json } from '../../json';
import { jsonOrNull } from './decide';

export interface Edit {
  jobId: string;
  actor: string;
  /** Null: whichever revision is current. */
  revision: number | null;
  /** Null: unchanged. */
  response: Json;
  /** Null: unchanged. */
  payload: Json;
}

/** Keeps a reviewer's changes to a job that stays in `human`; answers the new revision, or null when it waits no more. */
export async function edit(database: DataSource, change: Edit): Promise<number | null> {
  const rows: { revision: number }[] = await database.query(
    `WITH input AS (SELECT $1::uuid AS id, $2::text AS actor, $3::int AS revision, $4::jsonb AS response, $5::jsonb AS payload),
     before AS (SELECT input.*, j.revision AS old_revision, j.response AS old_response, j.payload AS old_payload
                FROM input JOIN jobs j ON j.id = input.id),
     job AS (
       UPDATE jobs j
       SET response = coalesce(before.response, j.response), payload = coalesce(before.payload, j.payload),
           edited = j.edited OR before.response IS NOT NULL, revision = j.revision + 1, updated_at = now()
       FROM before
       WHERE j.id = before.id AND j.status = 'human' AND j.revision = before.old_revision
         AND (before.revision IS NULL OR before.revision = j.revision)
       RETURNING j.id, j.revision, before.actor,
                 CASE WHEN before.payload IS NOT NULL THEN jsonb_build_object('payload', before.old_payload) ELSE '{}' END ||
                 CASE WHEN before.response IS NOT NULL THEN jsonb_build_object('response', before.old_response) ELSE '{}' END AS replaced
     ), event AS (
       INSERT INTO job_events (job_id, type, status, revision, actor, replaced)
       SELECT id, 'edited', 'human', revision, actor, replaced FROM job
     )
     SELECT revision FROM job`,
    [change.jobId, change.actor, change.revision, jsonOrNull(change.response), jsonOrNull(change.payload)],
  );
  return rows[0]?.revision ?? null;
}
