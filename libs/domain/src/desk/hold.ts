import type { DataSource } from 'typeorm';
import type { Scope } from '../caller';
import { quick } from '../prepared';
import type { Verdict } from '../jobs/transitions';
import { AT_WORK_UNTIL } from './at-work';
import { decide, JUDGED, type Decided, type Judgement } from './decide';
import { inTime, type Timed } from '../jobs/in-time';
import { locked } from '../jobs/lock';

/** What became of a held decision whose time has come. */
export interface Settled extends Decided {
  verdict: Verdict;
  /** It was taken back: a decision with its id had been made, or undone, at the moment when it was held. */
  undone: boolean;
}

/**
 * Keeps a decision that takes effect in `undoMs`, unless it is undone before; guarded as {@link decide}. Until then
 * nobody else decides, and nothing is delivered. One that was undone is never made again.
 * @returns when it takes effect; null when it may not be made
 */
export async function hold(
  database: DataSource,
  judgement: Judgement,
  undoMs: number,
): Promise<{ until: Date; revision: number } | null> {
  const rows: { until: Date; revision: number }[] = await database.query(
    quick(`WITH ${JUDGED}, job AS (
       UPDATE jobs j
       SET held_decision = $2::jsonb, held_until = now() + $3 * interval '1 millisecond', updated_at = now()
       FROM judged r
       WHERE j.id = r."jobId" AND j.status = r.old_status
       RETURNING j.id, j.revision, j.held_until, j.policy_hash, r.actor, r.id AS decision_id, r.verdict
     ), event AS (
       INSERT INTO job_events (job_id, type, status, revision, actor, policy_hash, data)
       SELECT id, 'held', 'human', revision, actor, policy_hash,
              jsonb_build_object('decision_id', decision_id, 'verdict', verdict, 'until', held_until)
       FROM job
     )
     SELECT held_until AS until, revision FROM job`),
    [JSON.stringify([{ ...judgement, settles: false }]), JSON.stringify(judgement), undoMs],
  );
  return rows[0] ?? null;
}

/** Takes a held decision back, before it takes effect. Answers whether it was still held. */
export async function undo(
  database: DataSource,
  {
    jobId,
    project,
    decisionId,
    actor,
    deadline,
  }: { jobId: string; decisionId: string; actor: string } & Scope & Timed,
): Promise<boolean> {
  const rows: unknown[] = await database.query(
    quick(`WITH job AS (
       UPDATE jobs SET held_decision = NULL, held_until = NULL, at_work_until = ${AT_WORK_UNTIL}, updated_at = now()
       WHERE id = $1::uuid AND project = $5 AND status = 'human' AND held_decision ->> 'id' = $2::uuid::text AND held_until > now()
         AND held_decision ->> 'actor' = $3 AND ${inTime('$4::timestamptz')}
       RETURNING id, revision, policy_hash
     ), event AS (
       INSERT INTO job_events (job_id, type, status, revision, actor, policy_hash, data)
       SELECT id, 'undone', 'human', revision, $3, policy_hash, jsonb_build_object('decision_id', $2::uuid) FROM job
     )
     SELECT id FROM job`),
    [jobId, decisionId, actor, deadline ?? null, project],
  );
  return rows.length > 0;
}

/** The jobs whose held decisions are due, up to `limit`, longest overdue first. */
export async function dueHeld(database: DataSource, limit: number): Promise<string[]> {
  const rows: { id: string }[] = await database.query(
    `SELECT id FROM jobs WHERE next_step_at <= now() AND held_until <= now() ORDER BY next_step_at LIMIT $1`,
    [limit],
  );
  return rows.map(({ id }) => id);
}

/** Lets the held decisions of jobs take effect; null for a job that has none, or none that is due. */
export async function settle(database: DataSource, jobIds: string[]): Promise<(Settled | null)[]> {
  const rows: { judgement: Judgement }[] = await database.query(
    `SELECT held_decision AS judgement FROM jobs WHERE id = ANY($1::uuid[]) AND held_until <= now()`,
    [jobIds],
  );
  if (rows.length === 0) return jobIds.map(() => null);
  const due = rows.map(({ judgement }) => judgement);
  const decided = await decide(database, due, true);
  const settled = new Map<string, Settled>();
  for (const [index, { jobId, verdict }] of due.entries()) {
    const one = decided[index];
    if (one) settled.set(jobId, { ...one, verdict, undone: false });
  }
  const refused = new Map(
    due.filter(({ jobId }) => !settled.has(jobId)).map(({ jobId, verdict }) => [jobId, verdict]),
  );
  const spent = refused.size > 0 ? await takeBackSpent(database, [...refused.keys()]) : [];
  for (const { jobId, revision } of spent) {
    const verdict = refused.get(jobId);
    if (verdict) settled.set(jobId, { status: 'human', revision, bell: null, verdict, undone: true });
  }
  return jobIds.map((jobId) => settled.get(jobId) ?? null);
}

/**
 * Takes due decisions back that can never take effect, since their id is spent. {@link hold} has not seen that where
 * the other decision, or the undoing, was made at the same moment.
 */
function takeBackSpent(
  database: DataSource,
  jobIds: string[],
): Promise<{ jobId: string; revision: number }[]> {
  return database.query(
    `WITH input AS (SELECT unnest($1::uuid[]) AS "jobId"), ${locked('held_decision', 'held_until')}, spent AS MATERIALIZED (
       SELECT l.id, l.held_decision ->> 'id' AS decision_id
       FROM input r JOIN locked l ON l.id = r."jobId"
       WHERE l.status = 'human' AND l.held_until <= now()
         AND (EXISTS (SELECT FROM decisions d WHERE d.id = (l.held_decision ->> 'id')::uuid)
           OR EXISTS (SELECT FROM job_events e
                      WHERE e.job_id = l.id AND e.type = 'undone' AND e.data ->> 'decision_id' = l.held_decision ->> 'id'))
     ), job AS (
       UPDATE jobs j SET held_decision = NULL, held_until = NULL, updated_at = now()
       FROM spent s WHERE j.id = s.id AND j.status = 'human'
       RETURNING j.id, j.revision, j.policy_hash, s.decision_id
     ), event AS (
       INSERT INTO job_events (job_id, type, status, revision, actor, policy_hash, data)
       SELECT id, 'undone', 'human', revision, 'desk', policy_hash,
              jsonb_build_object('decision_id', decision_id, 'because', 'its id belongs to a decision that was made or undone before')
       FROM job
     )
     SELECT id AS "jobId", revision FROM job`,
    [jobIds],
  );
}
