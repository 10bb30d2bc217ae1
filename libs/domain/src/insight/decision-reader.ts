import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Scope } from '../caller';
import type { DecisionOutcome, JobStatus, Verdict } from '../jobs/transitions';

/** Who made a decision: people, or the policy alone. */
export const DECIDERS = ['people', 'policy'] as const;
export type Decider = (typeof DECIDERS)[number];

/** The pairs that an agreement is measured from: two people's decisions, or a person's beside a shadowed rule's. */
export const DECISION_PAIRS = ['double', 'shadow'] as const;
export type DecisionPair = (typeof DECISION_PAIRS)[number];

/** Which decisions to list; what is absent does not matter. `to` is not part of the window. */
export interface DecisionFilter {
  from?: Date;
  to?: Date;
  model?: string;
  rule?: string;
  /** Only those that have none. */
  without?: 'model' | 'rule';
  reviewer?: string;
  /** The group of the job, as it is now. */
  group?: string;
  /** expired: no decisions, but the waits that ended because nobody had decided in time. */
  verdict?: DecisionOutcome;
  /** Whether the policy decided. */
  automatic?: boolean;
  /** Only what the policy approved because nobody had decided in time. */
  atDeadline?: boolean;
  /** The same, and the waits that ended because nobody had decided in time. */
  missedDeadline?: true;
  /** Only what ended a job or sent it back; no votes. */
  final?: boolean;
  /** One per pair that an agreement is measured from: the later of two people's, or a person's beside a shadowed rule's. */
  pairs?: DecisionPair;
}

/** A position in the list; the time is a text, since a Date would lose its microseconds. */
export interface DecisionPosition {
  at: string;
  id: string;
}

export interface ListedDecision {
  /** The decision's; the job's where nobody decided. */
  id: string;
  jobId: string;
  asked: string | null;
  jobStatus: JobStatus;
  verdict: DecisionOutcome;
  final: boolean;
  automatic: boolean;
  atDeadline: boolean;
  actor: string;
  model: string | null;
  rule: string | null;
  group: string | null;
  reasonCode: string | null;
  editDistance: number | null;
  /** What it is compared with, in a list of pairs. */
  pairedWith: { verdict: Verdict; actor: string; shadow: boolean } | null;
  at: string;
}

/** Rows that one statement looks at, whether they are wanted or not. */
const LOOKED_AT = 5_000;

const WINDOW = (time: string): string =>
  `project = $15 AND (${time}, id) < ($1::timestamptz, $2::uuid) AND ${time} >= $3::timestamptz AND ${time} < $4::timestamptz
   ORDER BY ${time} DESC, id DESC LIMIT ${LOOKED_AT}`;

const DECISIONS = `SELECT id, job_id, revision, verdict, final, automatic, shadow, at_deadline, approvals, actor, model, rule, reason_code,
         edit_distance, created_at AS at
  FROM decisions WHERE ${WINDOW('created_at')}`;

const EXPIRED = `SELECT id, id AS job_id, revision, 'expired' AS verdict, true AS final, true AS automatic, false AS shadow,
         true AS at_deadline, approvals, 'desk' AS actor, model, rule, NULL::text AS reason_code, NULL::real AS edit_distance,
         finished_at AS at
  FROM jobs WHERE failure_reason = 'expired' AND ${WINDOW('finished_at')}`;

const BOTH = `SELECT * FROM ((${DECISIONS}) UNION ALL (${EXPIRED})) t ORDER BY at DESC, id DESC LIMIT ${LOOKED_AT}`;

/**
 * The other decision `p` of each pair that stats count: a person's is the second where one other person alone has judged the
 * revision before, within the window.
 */
const PAIRED = {
  double: `JOIN LATERAL (
      SELECT min(v.actor) AS actor, (array_agg(v.verdict ORDER BY v.created_at, v.id))[1] AS verdict, false AS shadow
      FROM decisions v
      WHERE NOT d.automatic AND d.approvals > 1 AND v.job_id = d.job_id AND v.revision = d.revision AND NOT v.automatic
        AND v.approvals > 1 AND v.created_at >= $3::timestamptz AND (v.created_at, v.id) < (d.at, d.id)
        AND ($5::text IS NULL OR v.model = $5)
      HAVING count(DISTINCT v.actor) = 1 AND min(v.actor) <> d.actor
    ) p ON true`,
  shadow: `JOIN decisions p ON p.shadow AND p.job_id = d.job_id AND p.revision = d.revision AND d.final AND NOT d.automatic`,
};

const listOf = (
  source: string,
  pairs?: DecisionPair,
): string => `WITH looked AS MATERIALIZED (${source}), wanted AS (
    SELECT d.id, d.job_id AS "jobId", j.asked, j.status AS "jobStatus", d.verdict, d.final, d.automatic, d.at_deadline AS "atDeadline",
           d.actor, d.model, d.rule, nullif(j.review_group, '') AS "group", d.reason_code AS "reasonCode",
           d.edit_distance AS "editDistance", d.at,
           ${pairs ? `jsonb_build_object('verdict', p.verdict, 'actor', p.actor, 'shadow', p.shadow)` : 'NULL'} AS "pairedWith"
    FROM looked d JOIN jobs j ON j.id = d.job_id ${pairs ? PAIRED[pairs] : ''}
    WHERE NOT d.shadow AND ($5::text IS NULL OR d.model = $5) AND ($6::text IS NULL OR d.rule = $6)
      AND ($7::text IS NULL OR d.actor = $7) AND ($8::text IS NULL OR j.review_group = $8) AND ($9::text IS NULL OR d.verdict = $9)
      AND ($10::boolean IS NULL OR d.automatic = $10) AND ($11::boolean IS NULL OR d.at_deadline = $11)
      AND ($12::boolean IS NULL OR d.final = $12)
      AND ($13::text IS NULL OR coalesce(CASE $13 WHEN 'model' THEN d.model ELSE d.rule END, '') = '')
    ORDER BY d.at DESC, d.id DESC LIMIT $14
  )
  SELECT coalesce((SELECT jsonb_agg(wanted ORDER BY at DESC, id DESC) FROM wanted), '[]') AS decisions,
         (SELECT count(*)::int FROM looked) AS looked,
         (SELECT to_jsonb(oldest) FROM (SELECT at, id FROM looked ORDER BY at, id LIMIT 1) oldest) AS oldest`;

/** Lists decisions, for people who want to see what a figure was counted from. */
@Injectable()
export class DecisionReader {
  constructor(@Inject(DataSource) private readonly database: DataSource) {}

  /**
   * Newest first, from the one after `after` on; none that are only for the record. Looks at 5,000 at most, so there may be
   * fewer than `limit`, or none, although there are more.
   * @returns `next`: where to go on; null at the end
   */
  async list(
    { project }: Scope,
    filter: DecisionFilter,
    { after, limit }: { after?: DecisionPosition; limit: number },
  ): Promise<{ decisions: ListedDecision[]; next: DecisionPosition | null }> {
    const { from, to, model, rule, without, reviewer, group, verdict, automatic, missedDeadline, pairs } =
      filter;
    const { atDeadline = missedDeadline, final = missedDeadline } = filter;
    const source = verdict === 'expired' ? EXPIRED : missedDeadline ? BOTH : DECISIONS;
    const [found] = await this.database.query<
      { decisions: ListedDecision[]; looked: number; oldest: DecisionPosition | null }[]
    >(listOf(source, pairs), [
      after?.at ?? 'infinity',
      after?.id ?? 'ffffffff-ffff-ffff-ffff-ffffffffffff',
      from?.toISOString() ?? '-infinity',
      to?.toISOString() ?? 'infinity',
      model ?? null,
      rule ?? null,
      reviewer ?? null,
      group ?? null,
      verdict ?? null,
      automatic ?? null,
      atDeadline ?? null,
      final ?? null,
      without ?? null,
      limit + 1,
      project,
    ]);
    if (!found) throw new Error('a statement without groups returns a row');
    const decisions = found.decisions.slice(0, limit);
    const last = decisions.at(-1);
    if (last && found.decisions.length > limit) return { decisions, next: { at: last.at, id: last.id } };
    return { decisions, next: found.looked === LOOKED_AT ? found.oldest : null };
  }
}
