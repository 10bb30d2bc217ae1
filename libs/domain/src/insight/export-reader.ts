import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Scope } from '../caller';
import type { JsonText } from '../json';
import type { JobStatus, Verdict } from '../jobs/transitions';

/** Which rows an export has. The window is of the job's end, or of the decision's time; `to` is not part of it. */
export interface ExportFilter {
  from?: Date;
  to?: Date;
  model?: string;
  rule?: string;
  reviewer?: string;
  verdict?: Verdict;
}

/** An answer that a person has released. */
export interface ApprovedAnswer {
  jobId: string;
  model: string | null;
  edited: boolean;
  finishedAt: Date;
  payload: JsonText;
  response: JsonText;
}

/** An answer that a person has released, beside one for the same payload that a person did not want. */
export interface Correction {
  jobId: string;
  /** edit: the model's own output was changed. regenerate: the rejected output was sent back. */
  kind: 'edit' | 'regenerate';
  model: string | null;
  finishedAt: Date;
  payload: JsonText;
  chosen: JsonText;
  rejected: JsonText;
}

/** A decision on a job that has ended, without payload and response. */
export interface DecisionRecord {
  id: string;
  jobId: string;
  revision: number;
  verdict: Verdict;
  final: boolean;
  automatic: boolean;
  shadow: boolean;
  actor: string;
  model: string | null;
  rule: string | null;
  policyHash: string | null;
  reasonCode: string | null;
  reason: string | null;
  submitterMessage: string | null;
  editDistance: number | null;
  waitingSince: Date | null;
  claimedAt: Date | null;
  createdAt: Date;
  jobStatus: JobStatus;
  jobFinishedAt: Date;
}

/** Rows that one statement looks at, whether they are wanted or not: each is short, however little a filter lets through. */
const LOOKED_AT = 250;
/** Bytes that are read at once, unless one row alone has more. */
const MAX_BYTES = 1_048_576;

/** A position in the order of an export. Times are texts, since a Date would lose their microseconds. */
interface Position {
  at: string;
  id: string;
}

/** A row that is wanted; one of a job's corrections is known by the event that it comes from, or none for an edit. */
interface Wanted extends Position {
  eventId: string | null;
  /** As it is stored: compressed, up to about a hundred times less than it is. */
  bytes: number | null;
}

/** The time before everything, and the id before all of that time. */
const START = { at: '-infinity', id: '00000000-0000-0000-0000-000000000000' };

/** The jobs of the project `$9` after `$1`, `$2` that had ended by `$3` and before `$4`, and whose contents are there. */
const LOOKED = `looked AS MATERIALIZED (
  SELECT id, finished_at FROM jobs
  WHERE project = $9 AND finished_at IS NOT NULL AND erased_at IS NULL AND (finished_at, id) > ($1::timestamptz, $2::uuid) AND finished_at <= $3::timestamptz AND finished_at < $4::timestamptz
  ORDER BY finished_at, id LIMIT ${LOOKED_AT}
)`;

/** Those of `looked` that a person has released, and that the filter wants. */
const RELEASED = `released AS (
  SELECT j.* FROM looked JOIN jobs j USING (id)
  JOIN decisions d ON d.job_id = j.id AND d.released_revision = j.revision AND d.released_hash = j.released_hash
  WHERE j.status = 'success' AND NOT d.automatic AND ($5::text IS NULL OR j.model = $5) AND ($6::text IS NULL OR d.rule = $6)
    AND ($7::text IS NULL OR d.actor = $7) AND ($8::text IS NULL OR d.verdict = $8)
)`;

const APPROVED = `WITH ${LOOKED}, ${RELEASED}, wanted AS (
  SELECT id, NULL::bigint AS event_id, pg_column_size(payload) + pg_column_size(response) AS bytes FROM released
)`;

/** A payload that a person has replaced since is not what the rejected output answered. */
const CORRECTED = `WITH ${LOOKED}, ${RELEASED}, wanted AS (
  SELECT id, NULL::bigint AS event_id, pg_column_size(payload) + pg_column_size(response) + pg_column_size(model_response) AS bytes
  FROM released r
  WHERE edited AND model_response IS NOT NULL AND NOT EXISTS (
    SELECT FROM job_events later WHERE later.job_id = r.id AND later.replaced ? 'payload'
      AND later.id > coalesce((SELECT max(i.id) FROM job_events i WHERE i.job_id = r.id AND i.type = 'inferred'), 0))
  UNION ALL
  SELECT r.id, e.id, pg_column_size(r.payload) + pg_column_size(r.response) + pg_column_size(e.replaced)
  FROM released r JOIN job_events e ON e.job_id = r.id
  WHERE r.regenerations > 0 AND e.type = 'regenerated' AND e.replaced ? 'response' AND NOT EXISTS (
    SELECT FROM job_events later WHERE later.job_id = r.id AND later.id >= e.id AND later.replaced ? 'payload')
    -- Where the model gave no other answer, nothing was preferred to that one.
    AND NOT EXISTS (
      SELECT FROM job_events back
      WHERE back.job_id = r.id AND back.type IN ('regeneration_failed', 'restored') AND back.revision = e.revision + 1)
)`;

const LOOK = `SELECT looked.id, looked.finished_at::text AS at, wanted.event_id::text AS "eventId", wanted.bytes
  FROM looked LEFT JOIN wanted ON wanted.id = looked.id
  ORDER BY looked.finished_at, looked.id, wanted.event_id NULLS LAST`;

/** The rows of `asked` (n, id, event_id) until their bytes, as JSON, are too many. */
const UNTIL_TOO_MANY = `SELECT * FROM (
  SELECT *, coalesce(sum(bytes) OVER (ORDER BY n ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before FROM sized
) summed WHERE before < ${MAX_BYTES} ORDER BY n`;

const ASKED = `asked AS (SELECT * FROM unnest($1::uuid[], $2::bigint[]) WITH ORDINALITY AS t (id, event_id, n))`;

const READ_APPROVED = `WITH ${ASKED}, sized AS (
  SELECT n, j.id AS "jobId", j.model, j.edited, j.finished_at AS "finishedAt", j.payload, j.response,
         octet_length(j.payload::text) + octet_length(j.response::text) AS bytes
  FROM asked JOIN jobs j USING (id)
) ${UNTIL_TOO_MANY}`;

const READ_CORRECTED = `WITH ${ASKED}, found AS (
  SELECT n, j.id AS "jobId", CASE WHEN e.id IS NULL THEN 'edit' ELSE 'regenerate' END AS kind, j.model,
         j.finished_at AS "finishedAt", j.payload, j.response AS chosen,
         CASE WHEN e.id IS NULL THEN j.model_response ELSE (e.replaced ->> 'response')::json END AS rejected
  FROM asked JOIN jobs j USING (id) LEFT JOIN job_events e ON e.id = asked.event_id
), sized AS (
  SELECT *, octet_length(payload::text) + octet_length(chosen::text) + octet_length(rejected::text) AS bytes FROM found
) ${UNTIL_TOO_MANY}`;

const DECISIONS = `WITH looked AS MATERIALIZED (
  SELECT id, job_id, revision, verdict, final, automatic, shadow, actor, model, rule, policy_hash, reason_code, reason, submitter_message,
         edit_distance, waiting_since, claimed_at, created_at
  FROM decisions
  WHERE project = $9 AND (created_at, id) > ($1::timestamptz, $2::uuid) AND created_at <= $3::timestamptz AND created_at < $4::timestamptz
  ORDER BY created_at, id LIMIT ${LOOKED_AT}
), sized AS (
  SELECT looked.*, row_number() OVER (ORDER BY created_at, id) AS n,
         octet_length(coalesce(reason, '')) + octet_length(coalesce(submitter_message, '')) AS bytes
  FROM looked
), page AS (${UNTIL_TOO_MANY})
SELECT page.id, page.created_at::text AS at, page.job_id AS "jobId", page.revision, page.verdict, page.final, page.automatic, page.shadow,
       page.actor, page.model, page.rule, page.policy_hash AS "policyHash", page.reason_code AS "reasonCode", page.reason,
       page.submitter_message AS "submitterMessage", page.edit_distance AS "editDistance", page.waiting_since AS "waitingSince",
       page.claimed_at AS "claimedAt", page.created_at AS "createdAt", j.status AS "jobStatus", j.finished_at AS "jobFinishedAt"
FROM page LEFT JOIN jobs j ON j.id = page.job_id AND j.finished_at <= $3::timestamptz
  AND ($5::text IS NULL OR page.model = $5) AND ($6::text IS NULL OR page.rule = $6)
  AND ($7::text IS NULL OR page.actor = $7) AND ($8::text IS NULL OR page.verdict = $8)
ORDER BY page.n`;

/**
 * Reads what was learned from reviews, oldest first, in pages of bounded size. Nothing is held in the database between
 * two pages. Only what had ended when the reading began is there. A reading ends early once its signal has fired.
 */
@Injectable()
export class ExportReader {
  constructor(@Inject(DataSource) private readonly database: DataSource) {}

  /** The answers that people have released; those that a policy released are not there. */
  approved(scope: Scope, filter: ExportFilter, signal: AbortSignal): AsyncGenerator<ApprovedAnswer[]> {
    return this.pages(APPROVED, READ_APPROVED, scope, filter, signal);
  }

  /** The answers that people have released and what they did not want instead, one for each output that was not wanted. */
  corrections(scope: Scope, filter: ExportFilter, signal: AbortSignal): AsyncGenerator<Correction[]> {
    return this.pages(CORRECTED, READ_CORRECTED, scope, filter, signal);
  }

  /** All decisions on jobs that have ended: also votes, a policy's, and those that are only for the record. */
  async *decisions(
    scope: Scope,
    filter: ExportFilter,
    signal: AbortSignal,
  ): AsyncGenerator<DecisionRecord[]> {
    const conditions = await this.conditions(scope, filter);
    let position = startOf(filter);
    while (!signal.aborted) {
      const rows: (DecisionRecord & { at: string })[] = await this.database.query(DECISIONS, [
        position.at,
        position.id,
        ...conditions,
      ]);
      const last = rows.at(-1);
      if (!last) return;
      position = last;
      const wanted = rows.filter((row) => row.jobStatus as JobStatus | null);
      if (wanted.length > 0) yield wanted;
    }
  }

  private async *pages<Row>(
    looking: string,
    reading: string,
    scope: Scope,
    filter: ExportFilter,
    signal: AbortSignal,
  ): AsyncGenerator<Row[]> {
    const conditions = await this.conditions(scope, filter);
    let position = startOf(filter);
    while (!signal.aborted) {
      const looked: Wanted[] = await this.database.query(`${looking} ${LOOK}`, [
        position.at,
        position.id,
        ...conditions,
      ]);
      const last = looked.at(-1);
      if (!last) return;
      position = last;
      yield* this.read<Row>(
        reading,
        looked.filter(({ bytes }) => bytes !== null),
        signal,
      );
    }
  }

  /** Reads the wanted rows, as many at once as have few enough bytes. */
  private async *read<Row>(reading: string, wanted: Wanted[], signal: AbortSignal): AsyncGenerator<Row[]> {
    let most = LOOKED_AT;
    for (let next = 0; next < wanted.length && !signal.aborted;) {
      const asked = firstOf(wanted, next, most);
      const rows: (Row & { n: string })[] = await this.database.query(reading, [
        asked.map(({ id }) => id),
        asked.map(({ eventId }) => eventId),
      ]);
      const done = Number(rows.at(-1)?.n ?? asked.length);
      next += done;
      // What did not fit was measured for nothing: ask for no more than did.
      most = done < asked.length ? done : most * 2;
      yield rows;
    }
  }

  /** The parameters from `$3` on. */
  private async conditions(
    { project }: Scope,
    { to, model, rule, reviewer, verdict }: ExportFilter,
  ): Promise<unknown[]> {
    const rows: { now: string }[] = await this.database.query('SELECT now()::text AS now');
    return [
      rows[0]?.now,
      to?.toISOString() ?? 'infinity',
      model ?? null,
      rule ?? null,
      reviewer ?? null,
      verdict ?? null,
      project,
    ];
  }
}

function startOf({ from }: ExportFilter): Position {
  return from ? { at: from.toISOString(), id: START.id } : START;
}

/** The first wanted rows from `start` on, at most `most`, that are few enough bytes as they are stored; at least one. */
function firstOf(wanted: Wanted[], start: number, most: number): Wanted[] {
  let bytes = 0;
  let end = start;
  while (end < wanted.length && end - start < most && (end === start || bytes < MAX_BYTES)) {
    bytes += wanted[end]?.bytes ?? 0;
    end += 1;
  }
  return wanted.slice(start, end);
}
