import type { DataSource } from 'typeorm';
import { JsonText } from '../json';
import { hidden, prepared } from '../prepared';
import { locked } from './lock';

export interface Lease {
  jobId: string;
  /** Fencing token: a UUID of its own for every claim. */
  token: string;
}

export interface ClaimRequest extends Lease {
  /** How long the claim lasts unless it is renewed. */
  leaseMs: number;
  /** A claim past this number of tries is not counted as an attempt. */
  maxAttempts: number;
}

/** What a reviewer asked for, and the answer that they asked it about; null: there was none yet. */
export interface FeedbackTurn {
  feedback: string;
  response: JsonText | null;
}

export interface ClaimedJob {
  id: string;
  payload: JsonText;
  /** What the submitter sent, where a human has changed the payload. */
  originalPayload: JsonText | null;
  responseSchema: JsonText | null;
  /** What reviewers asked for, oldest first. */
  turns: FeedbackTurn[];
  /** Whether an earlier answer waits again if the model gives no other one. */
  hasFallback: boolean;
  /** Whether a door has made the payload of another request, so that it may be worded for the model. */
  translated: boolean;
  /** The headers of a request of Anthropic's Messages API; null: it is another one. */
  anthropicHeaders: Record<string, string> | null;
  /** Tries since the job entered `bot`, this one included; more than the allowed number when the last ones ended without an outcome. */
  roundAttempts: number;
}

/**
 * Gives each job to its caller where it is in `bot` and nobody holds it; null for the others.
 * A job that somebody else holds is rung for when that lease ends: the ring that brought us here may have been
 * the last one of a holder that died.
 */
export async function claim(database: DataSource, requests: ClaimRequest[]): Promise<(ClaimedJob | null)[]> {
  // Losing a claim in a crash costs one more try, so the commit need not wait for the disk.
  const rows: (Omit<ClaimedJob, 'turns'> & {
    turns: { feedback: string; response: string | null }[] | null;
    feedback: string[];
  })[] = await database.query(
    prepared(
      'claim',
      `WITH fast AS (SELECT set_config('synchronous_commit', 'off', true)),
     input AS (
       SELECT t.* FROM unnest(${hidden('$1::uuid[]')}, $2::uuid[], $3::int[], $4::int[]) AS t ("jobId", token, lease_ms, max_attempts), fast
     ), ${locked('lease_until', 'next_kick_at')}, free AS MATERIALIZED (
       SELECT input.*, l.status FROM input JOIN locked l ON l.id = input."jobId"
       WHERE l.status = 'bot' AND (l.lease_until IS NULL OR l.lease_until <= now())
     ), taken AS MATERIALIZED (
       SELECT l.id, l.status FROM locked l WHERE l.status = 'bot' AND l.lease_until > now() AND l.next_kick_at > l.lease_until
     ), job AS (
       UPDATE jobs j
       SET lease_token = free.token, lease_until = now() + lease_ms * interval '1 millisecond',
           attempts = j.attempts + CASE WHEN j.round_attempts < max_attempts THEN 1 ELSE 0 END, round_attempts = j.round_attempts + 1
       FROM free WHERE j.id = free."jobId" AND j.status = free.status
       RETURNING j.id, j.payload, j.original_payload, j.response_schema, j.feedback, j.feedback_on, j.fallback IS NOT NULL AS has_fallback, j.round_attempts,
         j.asked_for IS NOT NULL AS translated, j.anthropic_headers
     ), held AS (
       UPDATE jobs j SET next_kick_at = j.lease_until
       FROM taken WHERE j.id = taken.id AND j.status = taken.status
     )
     SELECT id, payload, original_payload AS "originalPayload", response_schema AS "responseSchema", feedback, translated, anthropic_headers AS "anthropicHeaders", round_attempts AS "roundAttempts",
            has_fallback AS "hasFallback",
            CASE WHEN cardinality(feedback_on) > 0 THEN (
              SELECT jsonb_agg(jsonb_build_object('feedback', e.data -> 'feedback', 'response', e.replaced -> 'response') ORDER BY e.id)
              FROM job_events e
              WHERE e.job_id = job.id AND e.type IN ('regenerated', 'retried') AND e.data ? 'feedback' AND e.revision = ANY (job.feedback_on)
            ) END AS turns
     FROM job`,
    ),
    [
      requests.map((request) => request.jobId),
      requests.map((request) => request.token),
      requests.map((request) => request.leaseMs),
      requests.map((request) => request.maxAttempts),
    ],
  );
  const byId = new Map(
    rows.map(({ feedback, turns, ...job }) => {
      const known = (turns ?? []).map((turn) => ({
        feedback: turn.feedback,
        response: turn.response === null ? null : new JsonText(turn.response),
      }));
      // Of what was asked before answers were kept for it, only the words are known.
      const older = feedback.slice(known.length).map((words) => ({ feedback: words, response: null }));
      return [job.id, { ...job, turns: [...known, ...older] }];
    }),
  );
  return requests.map((request) => byId.get(request.jobId) ?? null);
}

/** Renews leases for another `leaseMs`; answers the ids of the jobs that are still held under these tokens. */
export async function extendLeases(
  database: DataSource,
  leases: Lease[],
  leaseMs: number,
): Promise<string[]> {
  const rows: { id: string }[] = await database.query(
    `WITH fast AS (SELECT set_config('synchronous_commit', 'off', true)),
     input AS (SELECT "jobId", token FROM unnest($1::uuid[], $2::uuid[]) AS t ("jobId", token), fast), ${locked('lease_token')},
     held AS MATERIALIZED (
       SELECT l.id, l.status FROM input JOIN locked l ON l.id = input."jobId" WHERE l.status = 'bot' AND l.lease_token = input.token
     ), job AS (
       UPDATE jobs j SET lease_until = now() + $3 * interval '1 millisecond'
       FROM held WHERE j.id = held.id AND j.status = held.status
       RETURNING j.id
     )
     SELECT id FROM job`,
    [leases.map((lease) => lease.jobId), leases.map((lease) => lease.token), leaseMs],
  );
  return rows.map((row) => row.id);
}
