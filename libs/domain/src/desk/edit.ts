import type { DataSource } from 'typeorm';
import type { Scope } from '../caller';
import type { FieldFault } from '../errors';
import { jsonOrNull } from '../prepared';
import { payloadOf, type OutputChange } from './decide';
import { inTime, type Timed } from '../jobs/in-time';
import { CHANGE_OBSTACLES, obstacle, type DeskRules } from './obstacle';

export interface Edit extends Scope, Timed {
  jobId: string;
  actor: string;
  /** Null: whichever revision is current. */
  revision: number | null;
  /** JSON text; null: unchanged. */
  response: string | null;
  /** JSON text; null: unchanged. */
  payload: string | null;
}

/** An edit as the desk makes it. */
export interface DeskEdit extends Edit {
  change: OutputChange | null;
  /** What of a new response could not be checked; null: nothing. */
  violations?: FieldFault[] | null;
  desk: DeskRules;
}

/**
 * Keeps a reviewer's changes to a job that stays in `human`; whoever judged the revision before has to judge again.
 * @returns the new revision, or null when the job waits no more or this reviewer may not change it
 */
export async function edit(database: DataSource, change: DeskEdit): Promise<number | null> {
  const { model, asked } = payloadOf(change);
  const rows: { revision: number }[] = await database.query(
    `WITH before AS (
       SELECT $1::uuid AS id, $2::text AS actor, $3::int AS revision, $4::json AS response, $5::json AS payload,
              j.revision AS old_revision, j.response AS old_response, j.payload AS old_payload
       FROM jobs j WHERE j.id = $1::uuid AND j.project = $12
     ), job AS (
       UPDATE jobs j
       SET response = coalesce(r.response, j.response), payload = coalesce(r.payload, j.payload),
           model = CASE WHEN r.payload IS NULL THEN j.model ELSE $10::text END, asked = CASE WHEN r.payload IS NULL THEN j.asked ELSE $11::text END,
           original_payload = CASE WHEN r.payload IS NULL THEN j.original_payload ELSE coalesce(j.original_payload, j.payload) END,
           response_violations = CASE WHEN r.response IS NULL THEN j.response_violations ELSE $8::jsonb END,
           model_response = CASE WHEN r.response IS NULL THEN j.model_response ELSE coalesce(j.model_response, j.response) END,
           edited = j.edited OR r.response IS NOT NULL, revision = j.revision + 1, approved_by = '{}', rejected_by = '{}',
           updated_at = now()
       FROM before r
       WHERE j.id = r.id AND j.status = 'human' AND j.revision = r.old_revision
         AND (r.revision IS NULL OR r.revision = j.revision) AND ${inTime('$9::timestamptz')}
         AND ${obstacle('r.actor', '$7::jsonb', { among: CHANGE_OBSTACLES })} IS NULL
       RETURNING j.id, j.revision, j.policy_hash, r.actor, encode(hitl_content_hash(j.response), 'hex') AS response_hash,
                 CASE WHEN r.payload IS NOT NULL THEN jsonb_build_object('payload', r.old_payload::text) ELSE '{}' END ||
                 CASE WHEN r.response IS NOT NULL THEN jsonb_build_object('response', r.old_response::text) ELSE '{}' END AS replaced
     ), event AS (
       INSERT INTO job_events (job_id, type, status, revision, actor, policy_hash, data, replaced)
       SELECT id, 'edited', 'human', revision, actor, policy_hash,
              jsonb_strip_nulls(jsonb_build_object('response_hash', response_hash, 'patch', $6::jsonb -> 'patch', 'text_diff', $6::jsonb -> 'textDiff')),
              replaced
       FROM job
     )
     SELECT revision FROM job`,
    [
      change.jobId,
      change.actor,
      change.revision,
      change.response,
      change.payload,
      jsonOrNull(change.change),
      JSON.stringify(change.desk),
      jsonOrNull(change.violations),
      change.deadline ?? null,
      model,
      asked,
      change.project,
    ],
  );
  return rows[0]?.revision ?? null;
}
