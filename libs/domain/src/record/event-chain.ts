import { createHash } from 'node:crypto';
import type { DataSource } from 'typeorm';

/** Something in the record that does not fit the rest of it. */
export interface ChainFinding {
  jobId: string;
  /** The event's id, its number among its job's, and its type; null where no single event is at fault. */
  eventId: string | null;
  seq: number | null;
  type: string | null;
  /** In plain words. */
  what: string;
}

export interface ChainVerification {
  jobs: number;
  events: number;
  findings: number;
  /**
   * A position in the order of transactions, a colon, and SHA-256 over what was each job's newest event there. What
   * comes later does not change it; a chain that somebody has made anew, hash by hash, does.
   */
  digest: string;
}

/** Jobs that one statement verifies. */
const BATCH = 100;
/** Findings that are told of one batch. */
const MAX_FINDINGS = 10_000;
/** Characters of one finding: what somebody has put into the record may have any length. */
const MAX_FINDING_LENGTH = 300;

const textHash = (json: string): string => `encode(sha256(convert_to((${json})::text, 'UTF8')), 'hex')`;

/** What an event that erased contents says of the events before it: a hash over what is left of each. */
const SEAL = (erasing: string): string => `(
  SELECT encode(sha256(string_agg(convert_to(
    jsonb_build_array(b.id, b.seq, encode(b.hash, 'hex'), b.type, b.status, b.revision, b.actor, b.policy_hash, b.data::text,
                      b.replaced::text, extract(epoch FROM b.created_at))::text, 'UTF8'), '\\x0a' ORDER BY b.seq, b.id)), 'hex')
  FROM job_events b WHERE b.job_id = ${erasing}.job_id AND b.seq < ${erasing}.seq)`;

/**
 * Everything that is wrong with the jobs `$1`. Hashes are computed here and not by the functions of the database,
 * which may have been changed with the rest.
 */
const FINDINGS = `
  WITH event AS MATERIALIZED (
    SELECT e.job_id, e.id, e.seq, e.type, e.status, e.revision, e.actor, e.created_at, e.hash,
           CASE jsonb_typeof(e.data) WHEN 'object' THEN e.data END AS data,
           coalesce(lag(e.seq::bigint) OVER chain, 0) AS seq_before, lead(e.id) OVER chain IS NULL AS newest,
           e.hash = sha256(coalesce(lag(e.hash) OVER chain, decode(repeat('00', 32), 'hex')) || int4send(e.seq) || convert_to(
             jsonb_build_array(e.id, e.job_id, e.type, e.status, e.revision, e.actor, e.policy_hash, e.data::text, e.replaced::text,
                               extract(epoch FROM e.created_at))::text, 'UTF8')) AS follows,
           e.data ->> 'response_hash' AS response_hash,
           CASE WHEN e.data ->> 'decision_id' ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN (e.data ->> 'decision_id')::uuid END AS decision_id,
           CASE WHEN e.replaced ? 'response' THEN ${textHash(`e.replaced ->> 'response'`)} END AS replaced_hash,
           -- Its hash was over what is gone: the seal of the event that erased it says what must be left.
           coalesce(e.data ? 'erased', false) AND e.seq < max(e.seq) FILTER (WHERE e.type = 'erased') OVER (PARTITION BY e.job_id) AS sealed
    FROM job_events e WHERE e.job_id = ANY ($1::uuid[])
    WINDOW chain AS (PARTITION BY e.job_id ORDER BY e.seq, e.id)
  ), output AS MATERIALIZED (
    -- Events from before responses were hashed tell no hash: of those, only that there was an output.
    SELECT job_id, id, seq, type, response_hash, replaced_hash, lag(seq) OVER outputs AS made_seq,
           lag(response_hash) OVER outputs AS made_hash, lead(id) OVER outputs IS NULL AS newest
    FROM event WHERE type = 'inferred' OR response_hash IS NOT NULL OR replaced_hash IS NOT NULL
    WINDOW outputs AS (PARTITION BY job_id ORDER BY seq, id)
  ), job AS MATERIALIZED (
    SELECT wanted.id, j.id IS NOT NULL AS present, j.status, j.revision, j.erased_at IS NOT NULL AS erased,
           ${textHash('j.response')} AS response_hash
    FROM unnest($1::uuid[]) AS wanted (id) LEFT JOIN jobs j ON j.id = wanted.id
  )
  SELECT "jobId", "eventId", seq, left(type, 100) AS type, left(what, ${MAX_FINDING_LENGTH}) AS what FROM (
  SELECT job_id AS "jobId", id AS "eventId", seq, type,
         CASE WHEN seq < 1 THEN 'has a number that no event can have'
              WHEN seq = seq_before THEN 'has the number of another event of its job'
              ELSE format('follows number %s: %s before it missing', seq_before,
                          CASE seq - seq_before WHEN 2 THEN '1 event' ELSE seq - seq_before - 1 || ' events' END) END AS what
  FROM event WHERE seq <> seq_before + 1
  UNION ALL
  SELECT job_id, id, seq, type, 'does not match its hash: it was changed, or put here, or the hash of the event before was changed'
  FROM event WHERE seq = seq_before + 1 AND follows IS NOT TRUE AND sealed IS NOT TRUE
  UNION ALL
  SELECT job.id, e.id, e.seq, e.type,
         CASE WHEN e.seq IS NULL THEN format('all %s events of the job are missing', c.seq)
              WHEN c.seq IS NULL THEN 'is the newest of a job whose chain head is missing'
              WHEN c.seq > e.seq THEN format('is the newest, but the chain goes on to number %s: its end is missing', c.seq)
              WHEN c.seq < e.seq THEN format('is the newest, but the chain ends with number %s', c.seq)
              ELSE 'is the newest, but its hash is not that of the chain head' END
  FROM job LEFT JOIN event e ON e.job_id = job.id AND e.newest LEFT JOIN event_chains c ON c.job_id = job.id
  WHERE (e.seq, e.hash) IS DISTINCT FROM (c.seq, c.hash)
  UNION ALL
  SELECT job.id, NULL, NULL, NULL, CASE WHEN present THEN 'the job has no event' ELSE 'there is no such job' END
  FROM job WHERE NOT present OR NOT EXISTS (SELECT FROM event e WHERE e.job_id = job.id)
  UNION ALL
  SELECT job.id, e.id, e.seq, e.type, format('left the job in %s with revision %s, but it is in %s with revision %s', e.status, e.revision, job.status, job.revision)
  FROM job JOIN event e ON e.job_id = job.id AND e.newest
  WHERE present AND (job.status, job.revision) <> (e.status, e.revision)
  UNION ALL
  SELECT job.id, o.id, o.seq, o.type,
         CASE WHEN o.seq IS NULL THEN 'the job has a response that no event tells of'
              WHEN o.type = 'regenerated' THEN 'threw the response away, but the job has one'
              ELSE 'tells of another response than the job has' END
  FROM job LEFT JOIN output o ON o.job_id = job.id AND o.newest
  WHERE present AND NOT erased AND CASE WHEN o.seq IS NULL OR o.type = 'regenerated' THEN job.response_hash IS NOT NULL
                        ELSE job.response_hash IS NULL OR job.response_hash <> o.response_hash END
  UNION ALL
  SELECT job_id, id, seq, type, CASE WHEN made_seq IS NULL THEN 'replaced a response that no event tells of'
                                 ELSE format('replaced another response than number %s tells of', made_seq) END
  FROM output WHERE replaced_hash IS NOT NULL AND (made_seq IS NULL OR replaced_hash <> made_hash)
  UNION ALL
  SELECT job_id, id, seq, type, CASE WHEN made_seq IS NULL THEN 'erased a response that no event tells of'
                                 ELSE format('erased another response than number %s tells of', made_seq) END
  FROM output WHERE type = 'erased' AND (made_seq IS NULL OR response_hash <> made_hash)
  UNION ALL
  SELECT e.job_id, e.id, e.seq, e.type, 'seals other events than there are before it: one of them was changed after it'
  FROM event e WHERE e.type = 'erased' AND e.data ->> 'seal' IS DISTINCT FROM ${SEAL('e')}
  UNION ALL
  SELECT job_id, id, seq, type, format('erased what was changed before: the events %s did not match their hashes', data ->> 'changed_before')
  FROM event WHERE type = 'erased' AND data ? 'changed_before'
  UNION ALL
  SELECT job.id, NULL, NULL, NULL, CASE WHEN erased THEN 'the contents of the job are erased, but no event tells of it'
                                   ELSE 'an event tells that the contents of the job were erased, but the job has some' END
  FROM job WHERE present AND erased <> EXISTS (SELECT FROM event e WHERE e.job_id = job.id AND e.type = 'erased')
  UNION ALL
  SELECT e.job_id, e.id, e.seq, e.type,
         CASE WHEN d.id IS NULL THEN format('tells of the decision %s, which is missing', e.data ->> 'decision_id')
              ELSE format('tells something else than the decision %s: %s', d.id, concat_ws(', ',
                CASE WHEN d.job_id <> e.job_id THEN 'job' END,
                CASE WHEN d.verdict <> e.data ->> 'verdict' THEN 'verdict' END,
                CASE WHEN d.actor <> e.actor THEN 'actor' END,
                CASE WHEN d.created_at <> e.created_at THEN 'time' END,
                CASE WHEN d.shadow OR d.final <> (e.type <> 'voted') THEN 'whether it counts' END,
                CASE WHEN d.revision::text <> e.data ->> 'judged_revision' OR d.released_revision <> e.revision THEN 'revision' END,
                CASE WHEN encode(d.released_hash, 'hex') <> e.response_hash THEN 'released response' END,
                -- Events from before the desk tell neither revision nor words.
                CASE WHEN e.data ? 'judged_revision' AND (d.reason, d.reason_code, d.submitter_message, d.feedback) IS DISTINCT FROM
                       (e.data ->> 'reason', e.data ->> 'reason_code', e.data ->> 'submitter_message', e.data ->> 'feedback')
                     THEN 'words' END)) END
  FROM event e LEFT JOIN decisions d ON d.id = e.decision_id
  WHERE e.type IN ('voted', 'decided', 'regenerated', 'retried') AND (
    d.id IS NULL OR d.job_id <> e.job_id OR d.verdict <> e.data ->> 'verdict' OR d.actor <> e.actor OR d.created_at <> e.created_at
    OR d.shadow OR d.final <> (e.type <> 'voted') OR d.revision::text <> e.data ->> 'judged_revision'
    OR d.released_revision <> e.revision OR encode(d.released_hash, 'hex') <> e.response_hash
    OR e.data ? 'judged_revision' AND (d.reason, d.reason_code, d.submitter_message, d.feedback) IS DISTINCT FROM
       (e.data ->> 'reason', e.data ->> 'reason_code', e.data ->> 'submitter_message', e.data ->> 'feedback'))
  UNION ALL
  SELECT d.job_id, NULL, NULL, NULL, format('no event tells of the decision %s (%s by %s)', d.id, d.verdict, d.actor)
  FROM decisions d
  WHERE d.job_id = ANY ($1::uuid[]) AND NOT EXISTS (
    SELECT FROM event e
    WHERE e.job_id = d.job_id AND CASE WHEN d.shadow
      THEN e.type = 'planned' AND e.created_at = d.created_at AND e.data ->> 'shadow_verdict' = d.verdict
      ELSE e.decision_id = d.id AND e.type IN ('voted', 'decided', 'regenerated', 'retried') END)
  ) finding ORDER BY "jobId", seq, what LIMIT ${MAX_FINDINGS}`;

/** The next `$2` jobs after `$1` of which there is any trace, in the order of their ids. */
const NEXT_JOBS = `
  SELECT id FROM (
    (SELECT id FROM jobs WHERE $1::uuid IS NULL OR id > $1 ORDER BY id LIMIT $2)
    UNION (SELECT job_id FROM event_chains WHERE $1::uuid IS NULL OR job_id > $1 ORDER BY job_id LIMIT $2)
    UNION (SELECT DISTINCT job_id FROM job_events WHERE $1::uuid IS NULL OR job_id > $1 ORDER BY job_id LIMIT $2)
  ) AS known (id) ORDER BY id LIMIT $2`;

/** Of each of the jobs `$1`, how many events it has, and its newest one of epochs before `$2`, or of transactions before `$3` in it. */
const HEADS = `
  SELECT wanted.id, (SELECT count(*)::int FROM job_events e WHERE e.job_id = wanted.id) AS events, head.seq, head.hash
  FROM unnest($1::uuid[]) AS wanted (id) LEFT JOIN LATERAL (
    SELECT seq, encode(hash, 'hex') AS hash FROM job_events e WHERE e.job_id = wanted.id AND (e.epoch, e.xid) < ($2::int, $3::text::xid8) ORDER BY seq DESC LIMIT 1
  ) head ON true
  ORDER BY wanted.id`;

/**
 * Verifies the events of every job: that each follows from the one before, that none is missing, and that job,
 * responses and decisions are what they tell. Reads in batches while others write; holds none in memory.
 * @param found told each finding, job by job
 * @param options `jobId`: only this job. `position`: the digest's, of an earlier verification; now unless given
 */
export async function verifyChains(
  database: Pick<DataSource, 'query'>,
  found: (finding: ChainFinding) => void,
  options: { jobId?: string; position?: string } = {},
): Promise<ChainVerification> {
  // Events of older transactions are all there: nobody can add to them.
  const [now]: { position: string }[] = await database.query(
    `SELECT concat(nullif(hitl_epoch(), 1) || '-', pg_snapshot_xmin(pg_current_snapshot())) AS position`,
  );
  // The epoch is named from the second one on.
  const position = options.position ?? String(now?.position);
  const [xid = '', epoch = '1'] = position.split('-').reverse();
  const digest = createHash('sha256');
  const totals = { jobs: 0, events: 0, findings: 0 };
  let ids = options.jobId === undefined ? await nextJobs(database, null) : [options.jobId];
  while (ids.length > 0) {
    const findings: ChainFinding[] = await database.query(FINDINGS, [ids]);
    for (const finding of findings) found(finding);
    const heads: { id: string; events: number; seq: number | null; hash: string | null }[] =
      await database.query(HEADS, [ids, epoch, xid]);
    for (const { id, events, seq, hash } of heads) {
      totals.events += events;
      if (hash !== null) digest.update(`${id} ${String(seq)} ${hash}\n`);
    }
    totals.jobs += ids.length;
    totals.findings += findings.length;
    ids = options.jobId === undefined ? await nextJobs(database, ids.at(-1) as string) : [];
  }
  return { ...totals, digest: `${position}:${digest.digest('hex')}` };
}

async function nextJobs(database: Pick<DataSource, 'query'>, after: string | null): Promise<string[]> {
  const rows: { id: string }[] = await database.query(NEXT_JOBS, [after, BATCH]);
  return rows.map(({ id }) => id);
}
