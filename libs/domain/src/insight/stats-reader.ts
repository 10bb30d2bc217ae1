import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Scope } from '../caller';
import { agreementOf, type Agreement, type RatedPairs } from './agreement';
import { VERDICTS, type Verdict } from '../jobs/transitions';
import { countsOf } from '../unions';

/** What figures are asked for. */
export interface StatsWindow {
  from: Date;
  /** Not part of it. */
  to: Date;
  model?: string;
  group?: string;
}

export type VerdictCounts = Record<Verdict, number>;

/** Null where there is nothing to measure. */
export interface Percentiles {
  p50: number | null;
  p90: number | null;
}

/** What a model, a rule or a person was given or gave; null: none was known. */
export type NamedCounts = VerdictCounts & { name: string | null };

/** Decisions, and the most frequent models, rules and people of them. */
export interface VerdictTable {
  total: VerdictCounts;
  byModel: NamedCounts[];
  byRule: NamedCounts[];
  byReviewer: NamedCounts[];
}

/** The figures of the desk. */
export interface Stats {
  /** What waits for a human now, whatever the window. */
  waiting: { count: number; oldestSince: Date | null; byGroup: { group: string | null; count: number }[] };
  /** Decisions that took effect. */
  decided: number;
  /** Decisions that took effect, and jobs that nobody decided in time, in parts of the window of the same length. */
  throughput: (VerdictCounts & { at: Date; expired: number })[];
  timeToClaimMs: Percentiles;
  timeToDecideMs: Percentiles;
  verdicts: { human: VerdictTable; automatic: VerdictTable };
  editDistance: Percentiles & { mean: number | null };
  agreement: { double: Agreement; shadow: Agreement };
  deadlines: { expired: number; approvedAtDeadline: number };
}

/** Names of each kind that are counted apart. */
const MAX_NAMES = 50;
/** Groups that are counted apart. */
const MAX_GROUPS = 200;
/** Parts of the window at most, and how long they may be, in seconds: what a clock or a calendar shows. */
const MAX_PARTS = 100;
const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const LENGTHS = [
  ...[1, 5, 10, 30],
  ...[1, 5, 10, 30].map((minutes) => minutes * MINUTE),
  ...[1, 2, 3, 6, 12].map((hours) => hours * HOUR),
  ...[1, 2, 4].map((days) => days * DAY),
];

const BY_VERDICT = VERDICTS.map(
  (verdict) => `count(*) FILTER (WHERE verdict = '${verdict}') AS ${verdict}`,
).join(', ');

/**
 * Which decisions: of the project `$5`, the window `$1` to `$2`, and the model `$3` and the group `$4`, where they are given. A job with a decision
 * in the window has not ended before it.
 */
const chosen = (
  ofGroup: boolean,
): string => `project = $5 AND created_at >= $1::timestamptz AND created_at < $2::timestamptz AND ($3::text IS NULL OR model = $3)
  AND ${ofGroup ? 'job_id IN (SELECT id FROM jobs WHERE project = $5 AND review_group = $4::text AND (finished_at IS NULL OR finished_at >= $1::timestamptz))' : '$4::text IS NULL'}`;

const EXPIRED = `expired AS (
  SELECT finished_at FROM jobs
  WHERE project = $5 AND failure_reason = 'expired' AND finished_at >= $1::timestamptz AND finished_at < $2::timestamptz
    AND ($3::text IS NULL OR model = $3) AND ($4::text IS NULL OR review_group = $4)
)`;

const ROWS = (part: string): string => `(SELECT coalesce(jsonb_agg(t), '[]') FROM (${part}) t)`;

const percentilesOf = (value: string): string =>
  `percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY ${value})`;
const millisecondsTo = (time: string): string => `extract(epoch FROM ${time} - waiting_since)::float8 * 1000`;

const counts = (ofGroup: boolean): string => `WITH d AS MATERIALIZED (
  SELECT id, job_id, revision, verdict, actor, final, automatic, shadow, at_deadline, approvals, nullif(model, '') AS model, rule, created_at
  FROM decisions WHERE ${chosen(ofGroup)}
), ${EXPIRED}
SELECT
  ${ROWS(`SELECT floor(extract(epoch FROM created_at - $1::timestamptz)::float8 / $6)::int AS part, ${BY_VERDICT} FROM d WHERE final GROUP BY 1`)} AS decided,
  ${ROWS(`SELECT floor(extract(epoch FROM finished_at - $1::timestamptz)::float8 / $6)::int AS part, count(*) FROM expired GROUP BY 1`)} AS expired,
  (SELECT count(*) FROM d WHERE at_deadline AND final) AS "approvedAtDeadline",
  ${ROWS(`SELECT automatic, kind, name, ${VERDICTS.join(', ')} FROM (
     SELECT *, row_number() OVER (PARTITION BY automatic, kind ORDER BY given DESC, name) AS place FROM (
       SELECT automatic, CASE GROUPING(model, rule, actor) WHEN 3 THEN 'model' WHEN 5 THEN 'rule' WHEN 6 THEN 'reviewer' ELSE 'all' END AS kind,
              coalesce(model, rule, actor) AS name, count(*) AS given, ${BY_VERDICT}
       FROM d WHERE NOT shadow GROUP BY GROUPING SETS ((automatic), (automatic, model), (automatic, rule), (automatic, actor))
     ) counted) ranked WHERE place <= ${MAX_NAMES} ORDER BY automatic, kind, place`)} AS verdicts,
  ${ROWS(`SELECT first, second, count(*) FROM (
     SELECT verdict AS first, lead(verdict) OVER votes AS second, row_number() OVER votes AS place FROM (
       SELECT DISTINCT ON (job_id, revision, actor) job_id, revision, verdict, created_at, id
       FROM d WHERE NOT automatic AND approvals > 1 ORDER BY job_id, revision, actor, created_at, id
     ) once WINDOW votes AS (PARTITION BY job_id, revision ORDER BY created_at, id)
   ) paired WHERE place = 1 AND second IS NOT NULL GROUP BY 1, 2`)} AS double,
  ${ROWS(`SELECT s.verdict AS first, d.verdict AS second, count(*)
     FROM d JOIN decisions s ON s.shadow AND s.job_id = d.job_id AND s.revision = d.revision
     WHERE d.final AND NOT d.automatic GROUP BY 1, 2`)} AS shadow`;

const measures = (ofGroup: boolean): string => `SELECT
  ${percentilesOf(millisecondsTo('claimed_at'))} FILTER (WHERE final) AS claim,
  ${percentilesOf(millisecondsTo('created_at'))} FILTER (WHERE final) AS decide,
  ${percentilesOf('edit_distance')} AS edit, avg(edit_distance) AS "meanEdit"
FROM decisions WHERE NOT automatic AND ${chosen(ofGroup)}`;

/** What waits, by the counts that a trigger on jobs keeps: a million jobs are no slower than a few. */
const WAITING = `SELECT nullif(review_group, '') AS group, jobs AS count, (sum(jobs) OVER ())::int AS total, min(oldest) OVER () AS oldest
  FROM (
    SELECT review_group, sum(jobs)::int AS jobs FROM waiting_counts
    WHERE project = $1 AND ($2::text IS NULL OR review_group = $2) GROUP BY review_group HAVING sum(jobs) > 0
  ) counted CROSS JOIN LATERAL (
    SELECT min(waiting_since) AS oldest FROM jobs j WHERE j.project = $1 AND j.status = 'human' AND j.review_group = counted.review_group
  ) since
  ORDER BY jobs DESC, review_group LIMIT ${MAX_GROUPS}`;

/** The same of one model, counted one by one. */
const WAITING_OF_MODEL = `SELECT nullif(review_group, '') AS group, count(*)::int, (sum(count(*)) OVER ())::int AS total,
       min(min(waiting_since)) OVER () AS oldest
  FROM jobs
  WHERE project = $1 AND status = 'human' AND model = $3 AND ($2::text IS NULL OR review_group = $2)
  GROUP BY review_group ORDER BY count(*) DESC, review_group LIMIT ${MAX_GROUPS}`;

interface Waiting {
  group: string | null;
  count: number;
  total: number;
  oldest: Date;
}

interface Counts {
  decided: (VerdictCounts & { part: number })[];
  expired: { part: number; count: number }[];
  approvedAtDeadline: string;
  verdicts: (NamedCounts & { automatic: boolean; kind: 'all' | 'model' | 'rule' | 'reviewer' })[];
  double: RatedPairs[];
  shadow: RatedPairs[];
}

interface Measures {
  claim: number[] | null;
  decide: number[] | null;
  edit: number[] | null;
  meanEdit: number | null;
}

/** Figures about the desk, counted by the database. */
@Injectable()
export class StatsReader {
  constructor(@Inject(DataSource) private readonly database: DataSource) {}

  async read({ project }: Scope, { from, to, model, group }: StatsWindow): Promise<Stats> {
    const seconds = (to.getTime() - from.getTime()) / 1000;
    const length =
      LENGTHS.find((candidate) => seconds / candidate <= MAX_PARTS) ?? Math.ceil(seconds / MAX_PARTS);
    const parameters = [from.toISOString(), to.toISOString(), model ?? null, group ?? null, project];
    const ofGroup = group !== undefined;
    const [[counted], [measured], waiting] = await Promise.all([
      this.database.query<Counts[]>(counts(ofGroup), [...parameters, length]),
      this.database.query<Measures[]>(measures(ofGroup), parameters),
      model === undefined
        ? this.database.query<Waiting[]>(WAITING, [project, group ?? null])
        : this.database.query<Waiting[]>(WAITING_OF_MODEL, [project, group ?? null, model]),
    ]);
    if (!counted || !measured) throw new Error('a statement without groups returns a row');
    const { decided, expired, verdicts } = counted;
    const throughput = Array.from({ length: Math.ceil(seconds / length) }, (_, part) => ({
      at: new Date(from.getTime() + part * length * 1000),
      ...countsOf(
        VERDICTS,
        decided.find((row) => row.part === part),
      ),
      expired: expired.find((row) => row.part === part)?.count ?? 0,
    }));
    return {
      waiting: {
        count: waiting[0]?.total ?? 0,
        oldestSince: waiting[0]?.oldest ?? null,
        byGroup: waiting.map(({ group: name, count }) => ({ group: name, count })),
      },
      decided: sum(decided.flatMap((row) => Object.values(countsOf(VERDICTS, row)))),
      throughput,
      timeToClaimMs: percentiles(measured.claim, 0),
      timeToDecideMs: percentiles(measured.decide, 0),
      verdicts: { human: tableOf(verdicts, false), automatic: tableOf(verdicts, true) },
      editDistance: { mean: rounded(measured.meanEdit, 4), ...percentiles(measured.edit, 4) },
      agreement: { double: agreementOf(counted.double), shadow: agreementOf(counted.shadow) },
      deadlines: {
        expired: sum(expired.map(({ count }) => count)),
        approvedAtDeadline: Number(counted.approvedAtDeadline),
      },
    };
  }
}

function tableOf(rows: Counts['verdicts'], automatic: boolean): VerdictTable {
  const of = (kind: string): Counts['verdicts'] =>
    rows.filter((row) => row.automatic === automatic && row.kind === kind);
  const named = (kind: string): NamedCounts[] =>
    of(kind).map((row) => ({ name: row.name, ...countsOf(VERDICTS, row) }));
  return {
    total: countsOf(VERDICTS, of('all')[0]),
    byModel: named('model'),
    byRule: named('rule'),
    byReviewer: named('reviewer'),
  };
}

function percentiles(values: number[] | null, digits: number): Percentiles {
  return { p50: rounded(values?.[0], digits), p90: rounded(values?.[1], digits) };
}

function rounded(value: number | null | undefined, digits: number): number | null {
  return typeof value === 'number' ? Number(value.toFixed(digits)) : null;
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
