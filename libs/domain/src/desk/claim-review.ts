import type { DataSource } from 'typeorm';
import type { Scope } from '../caller';
import { quick } from '../prepared';
import { inTime, type Timed } from '../jobs/in-time';
import { obstacle, type DeskRules } from './obstacle';

/** A reviewer's wish to have one job for a while. */
export interface ReviewClaim extends Scope, Timed {
  /** The command's id: repeating it claims nothing more. */
  id: string;
  actor: string;
  leaseMs: number;
  desk: DeskRules;
}

/** Live claims that one reviewer may have, so that nobody can hoard the queue. */
export const MAX_CLAIMS = 1000;
/** The most urgent jobs of each group that one look considers: more than reviewers who ask in the same moment. */
const CANDIDATES = 64;
/** Looks before we answer that there is nothing. The last one waits for whoever is changing a candidate right now. */
const MAX_LOOKS = 3;

/** Whether the reviewer `$1` with the rules `$2` may take the job `j`. What its index knows is said again. */
const MAY_CLAIM = `j.status = 'human' AND ${obstacle('$1::text', '$2::jsonb')} IS NULL`;

const IS_FREE = `(j.claimed_until IS NULL OR j.claimed_until <= now())`;

/** What an UPDATE sets for the claim `$3` of `$4` milliseconds. */
const CLAIM = `claimed_by = $1, claim_id = $3::uuid, claimed_until = now() + $4 * interval '1 millisecond'`;

const CLAIMED_EVENT = `event AS (
  INSERT INTO job_events (job_id, type, status, revision, actor, policy_hash, data)
  SELECT id, 'claimed', 'human', revision, $1, policy_hash, jsonb_build_object('until', claimed_until) FROM job WHERE claimed_at = now()
)`;

/**
 * Gives the reviewer the most urgent job that they may take: by priority, then by age. No two reviewers get the same.
 * @returns its id; null when there is none
 */
export async function claimNextReview(database: DataSource, claim: ReviewClaim): Promise<string | null> {
  for (let look = 1; look <= MAX_LOOKS; look += 1) {
    const rows: { id: string | null; candidates: number }[] = await database.query(
      // Candidates are read without a lock, group by group, so that each is a short walk on its index.
      quick(`WITH earlier AS (
         SELECT id FROM jobs WHERE project = $6 AND claimed_by = $1 AND claim_id = $3::uuid AND claimed_until > now()
       ), candidate AS MATERIALIZED (
         SELECT c.id FROM (SELECT '' AS name UNION SELECT jsonb_array_elements_text($2::jsonb -> 'groups')) g
         CROSS JOIN LATERAL (
           SELECT j.id, j.priority FROM jobs j
           WHERE j.project = $6 AND j.review_group = g.name AND ${MAY_CLAIM} AND ${IS_FREE}
           ORDER BY j.priority DESC, j.id LIMIT ${CANDIDATES}
         ) c
         WHERE NOT EXISTS (SELECT FROM earlier)
         ORDER BY c.priority DESC, c.id LIMIT ${CANDIDATES}
       ), next AS MATERIALIZED (
         SELECT j.id FROM jobs j
         WHERE j.id = ANY (ARRAY(SELECT id FROM candidate)) AND ${MAY_CLAIM} AND ${IS_FREE} AND ${inTime('$5::timestamptz')}
         ORDER BY j.priority DESC, j.id LIMIT 1 FOR NO KEY UPDATE ${look < MAX_LOOKS ? 'SKIP LOCKED' : ''}
       ), job AS (
         UPDATE jobs j SET ${CLAIM}, claimed_at = now() FROM next WHERE j.id = next.id
         RETURNING j.id, j.revision, j.policy_hash, j.claimed_at, j.claimed_until
       ), ${CLAIMED_EVENT}
       SELECT coalesce((SELECT id FROM job), (SELECT id FROM earlier LIMIT 1)) AS id,
              (SELECT count(*)::int FROM candidate) AS candidates`),
      [
        claim.actor,
        JSON.stringify(claim.desk),
        claim.id,
        claim.leaseMs,
        claim.deadline ?? null,
        claim.project,
      ],
    );
    if (rows[0]?.id) return rows[0].id;
    if (rows[0]?.candidates === 0) return null;
  }
  return null;
}

/** Gives the reviewer this job, or renews their claim on it. Answers whether they have it now. */
export async function claimReview(
  database: DataSource,
  claim: ReviewClaim & { jobId: string },
): Promise<boolean> {
  const rows: unknown[] = await database.query(
    quick(`WITH job AS (
       UPDATE jobs j
       SET ${CLAIM}, claimed_at = CASE WHEN ${IS_FREE} THEN now() ELSE j.claimed_at END
       WHERE j.id = $5::uuid AND j.project = $7 AND ${MAY_CLAIM} AND (${IS_FREE} OR j.claimed_by = $1) AND ${inTime('$6::timestamptz')}
       RETURNING j.id, j.revision, j.policy_hash, j.claimed_at, j.claimed_until
     ), ${CLAIMED_EVENT}
     SELECT id FROM job`),
    [
      claim.actor,
      JSON.stringify(claim.desk),
      claim.id,
      claim.leaseMs,
      claim.jobId,
      claim.deadline ?? null,
      claim.project,
    ],
  );
  return rows.length > 0;
}

/** Ends the reviewer's own claim. Answers whether there was one. */
export async function releaseReview(
  database: DataSource,
  { jobId, project, actor, deadline }: { jobId: string; actor: string } & Scope & Timed,
): Promise<boolean> {
  const rows: unknown[] = await database.query(
    quick(`WITH job AS (
       UPDATE jobs SET claimed_by = NULL, claimed_at = NULL, claimed_until = NULL, claim_id = NULL
       WHERE id = $1::uuid AND project = $4 AND claimed_by = $2 AND claimed_until > now() AND ${inTime('$3::timestamptz')}
       RETURNING id, revision, policy_hash
     ), event AS (
       INSERT INTO job_events (job_id, type, status, revision, actor, policy_hash)
       SELECT id, 'released', 'human', revision, $2, policy_hash FROM job
     )
     SELECT id FROM job`),
    [jobId, actor, deadline ?? null, project],
  );
  return rows.length > 0;
}

/** How many live claims a reviewer has in a project. */
export async function countClaims(database: DataSource, { project }: Scope, actor: string): Promise<number> {
  const rows: { count: number }[] = await database.query(
    quick('SELECT count(*)::int FROM jobs WHERE claimed_by = $1 AND claimed_until > now() AND project = $2'),
    [actor, project],
  );
  return Number(rows[0]?.count);
}
