import type { DataSource } from 'typeorm';
import type { Scope } from '../caller';
import type { FieldFault } from '../errors';
import { JsonText } from '../json';
import { summaryOf } from '../chat/asked';
import { jsonOrNull } from '../prepared';
import { inTime, type Timed } from '../jobs/in-time';
import { CHANGE_OBSTACLES, obstacle, type DeskRules, type Obstacle } from './obstacle';
import { OFF_LEASE, TIMES_BACK } from '../jobs/return-to-desk';

/** A reviewer's wish for an answer that a job had before. */
export interface RestoreRequest extends Scope, Timed {
  jobId: string;
  actor: string;
  /** The job's revision that the reviewer has seen. */
  revision: number;
  /** The revision whose answer is to wait again. */
  restore: number;
}

/** An answer of a job, with the request that it answered. Contents are JSON text, exactly as they are stored. */
export interface EarlierAnswer {
  response: string;
  payload: string;
  /** The model's own answer, where a human had changed it. */
  modelResponse: string | null;
  edited: boolean;
}

/** A wish for an earlier answer as the desk makes it. */
export interface Restoration extends RestoreRequest {
  answer: EarlierAnswer;
  violations: FieldFault[] | null;
  desk: DeskRules;
}

/** What the earlier answer changes of the job `j`. The model's answers to later feedback are no part of its story. */
const CONTENT = `response = $5::json, payload = $6::json, model_response = $7::json, model = $12::text, asked = $13::text, edited = $8::boolean, response_violations = $9::jsonb,
  original_payload = nullif(coalesce(j.original_payload, j.payload)::text, $6::text)::json, revision = j.revision + 1,
  feedback = j.feedback[:(SELECT count(*)::int FROM unnest(j.feedback_on) AS about WHERE about < $4)],
  feedback_on = j.feedback_on[:(SELECT count(*)::int FROM unnest(j.feedback_on) AS about WHERE about < $4)],
  regeneration_failed = NULL, approved_by = '{}', rejected_by = '{}', updated_at = now()`;

/** Whether the job `j` is as it was seen, and none of these obstacles is there. */
const mayRestore = (among: readonly Obstacle[]): string =>
  `j.revision = $3 AND ${inTime('$11::timestamptz')} AND ${obstacle('$2::text', '$10::jsonb', { among })} IS NULL`;

/** The answer that a job had at a revision; null when it never had that revision, or its contents are erased. */
export async function readRevision(
  database: DataSource,
  jobId: string,
  revision: number,
): Promise<EarlierAnswer | null> {
  // A content is in the first event that replaced it after the event that made it; the current one is in the job.
  const content = (of: string, name: string): string => `coalesce(
    (SELECT e.replaced ->> '${name}' FROM job_events e
     WHERE e.job_id = j.id AND e.seq > ${of}.seq AND e.replaced ? '${name}' ORDER BY e.seq LIMIT 1), j.${name}::text)`;
  const rows: EarlierAnswer[] = await database.query(
    `WITH RECURSIVE made AS MATERIALIZED (
       SELECT DISTINCT ON (revision) revision, seq, type, (data ->> 'restored_revision')::int AS restored_revision,
              type IN ('edited', 'voted', 'decided') AND replaced ? 'response' AS changed
       FROM job_events WHERE job_id = $1::uuid AND revision > 0 ORDER BY revision, seq
     ), origin AS (
       SELECT made.*, changed AS edited FROM made WHERE revision = $2
       UNION ALL
       SELECT m.*, o.edited OR m.changed FROM origin o JOIN made m ON m.revision = coalesce(o.restored_revision, o.revision - 1)
       WHERE o.type <> 'inferred'
     ), model AS (SELECT * FROM origin WHERE type = 'inferred')
     SELECT ${content('made', 'response')} AS response, ${content('made', 'payload')} AS payload,
            CASE WHEN model.edited THEN ${content('model', 'response')} END AS "modelResponse", coalesce(model.edited, false) AS edited
     FROM jobs j JOIN made ON made.revision = $2 LEFT JOIN model ON true
     WHERE j.id = $1::uuid AND j.erased_at IS NULL`,
    [jobId, revision],
  );
  return rows[0] ?? null;
}

/**
 * Makes an earlier answer the current one, as a new revision that everybody has yet to judge: of a job in `human`, or
 * bot → human of one that was sent back and that the model has not answered again.
 * @returns the new revision; null when the job is not as it was seen, or this reviewer may not change it
 */
export async function restore(database: DataSource, wish: Restoration): Promise<number | null> {
  const { answer } = wish;
  const { model, asked } = summaryOf(new JsonText(answer.payload));
  const rows: { revision: number }[] = await database.query(
    `WITH before AS (
       SELECT id, status, response, payload FROM jobs WHERE id = $1::uuid AND project = $14
     ), in_human AS (
       UPDATE jobs j SET ${CONTENT}
       FROM before r WHERE j.id = r.id AND j.status = 'human' AND r.status = 'human' AND ${mayRestore(CHANGE_OBSTACLES)}
       RETURNING j.id, j.revision, j.policy_hash, j.response, j.payload
     ), in_bot AS (
       UPDATE jobs j SET status = 'human', ${CONTENT}, ${TIMES_BACK}, ${OFF_LEASE}
       FROM before r WHERE j.id = r.id AND j.status = 'bot' AND r.status = 'bot' AND j.fallback IS NOT NULL AND ${mayRestore(['not_planned', 'other_group', 'four_eyes'])}
       RETURNING j.id, j.revision, j.policy_hash, j.response, j.payload
     ), job AS (
       SELECT * FROM in_human UNION ALL SELECT * FROM in_bot
     ), event AS (
       INSERT INTO job_events (job_id, type, status, revision, actor, policy_hash, data, replaced)
       SELECT job.id, 'restored', 'human', job.revision, $2, job.policy_hash,
              jsonb_build_object('restored_revision', $4::int, 'response_hash', encode(hitl_content_hash(job.response), 'hex')),
              nullif(CASE WHEN r.status = 'human' THEN jsonb_build_object('response', r.response::text) ELSE '{}' END ||
                     CASE WHEN r.payload::text <> job.payload::text THEN jsonb_build_object('payload', r.payload::text) ELSE '{}' END, '{}')
       FROM job JOIN before r ON r.id = job.id
     )
     SELECT revision FROM job`,
    [
      wish.jobId,
      wish.actor,
      wish.revision,
      wish.restore,
      answer.response,
      answer.payload,
      answer.modelResponse,
      answer.edited,
      jsonOrNull(wish.violations),
      JSON.stringify(wish.desk),
      wish.deadline ?? null,
      model,
      asked,
      wish.project,
    ],
  );
  return rows[0]?.revision ?? null;
}
