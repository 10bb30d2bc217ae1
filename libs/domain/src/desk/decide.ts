import type { DataSource } from 'typeorm';
import type { Scope } from '../caller';
import type { FieldFault } from '../errors';
import { prepared } from '../prepared';
import { JsonText } from '../json';
import { BELL_GRACE_SECONDS, type Bell } from '../outbox/bell';
import { summaryOf, type PayloadSummary } from '../chat/asked';
import { STATUS_AFTER, type JobStatus, type Verdict } from '../jobs/transitions';
import { IS_AT_WORK, stepAt } from './at-work';
import { deliveries } from '../jobs/deliveries';
import { FALLBACK } from '../jobs/return-to-desk';
import { KICK_SECONDS } from '../jobs/kick-overdue';
import { inTime, type Timed } from '../jobs/in-time';
import { locked } from '../jobs/lock';
import { obstacle, type DeskRules } from './obstacle';

/** What a reviewer asks for. */
export interface DecisionRequest extends Scope, Timed {
  /** The decision's id; asking again with the same one decides nothing more. */
  id: string;
  jobId: string;
  verdict: Verdict;
  actor: string;
  /** The revision that was judged; null: whichever is current. */
  revision: number | null;
  /** The output as the reviewer changed it, as JSON text; null: unchanged. */
  response: string | null;
  /** The input as the reviewer changed it, as JSON text; null: unchanged. */
  payload: string | null;
  /** What the model should do differently, with `regenerate`. */
  feedback: string | null;
  /** Why, for those who review and audit. */
  reason: string | null;
  /** Why, as one of the project's reasons. */
  reasonCode: string | null;
  /** Why, as the submitter may read it. */
  submitterMessage: string | null;
  /** For how long it can be undone, in milliseconds, where the desk's own time is not longer. */
  undoMs?: number;
}

/** What a human changed in the model's output. */
export interface OutputChange {
  /** JSON Patch (RFC 6902) from the model's output to the human's, as JSON text; null when it is not known. */
  patch: string | null;
  /** Unified diff of the text; null when it would be too long. */
  textDiff: string | null;
  /** The share of the text that changed, from 0 to 1; null when it is not known. */
  editDistance: number | null;
}

/** A decision as the desk makes it. */
export interface Judgement extends DecisionRequest {
  /** SHA-256 of the request, in hex. */
  requestHash: string;
  change: OutputChange | null;
  /** What of a new response could not be checked; null: nothing. */
  violations?: FieldFault[] | null;
  desk: DeskRules;
  /** The rule that decides instead of a person: on a new answer, or because nobody had, in time. */
  policy: { rule: string; hash: string; atDeadline: boolean } | null;
}

export interface Decided {
  status: JobStatus;
  revision: number;
  /** Set when the model is asked again. */
  bell: Bell | null;
}

const STATUS_SQL = Object.entries(STATUS_AFTER)
  .map(([verdict, status]) => `WHEN '${verdict}' THEN '${status}'`)
  .join(' ');

/** Whether the judgement `r` may be made on the locked job `j`. */
const MAY_DECIDE = `j.status = 'human' AND (r.project = j.project OR r.settles) AND (r.revision IS NULL OR r.revision = j.revision)
  AND CASE
    WHEN r.settles THEN j.held_decision ->> 'id' = r.id::text AND j.held_until <= now()
    WHEN j.held_until IS NOT NULL THEN false
    WHEN r.at_deadline THEN ${stepAt('deadline_at')} <= now() AND j.on_deadline = 'approve'
    WHEN r.automatic THEN j.planned_at IS NULL AND j.regenerations = 0 AND NOT ${IS_AT_WORK}
    ELSE coalesce(${obstacle('r.actor', 'r.desk')}, 'none')
        IN ('none', CASE WHEN r.verdict IN ('edit', 'regenerate') THEN 'already_voted' END)
      AND ${inTime('r.deadline')}
      AND (r.verdict <> 'regenerate' OR j.regenerations < (r.desk ->> 'maxRegenerations')::int)
  END`;

/** What of a job {@link MAY_DECIDE} and {@link JUDGED} look at. */
const JUDGED_COLUMNS = [
  'project',
  'revision',
  'response',
  'payload',
  'submitter',
  'waiting_since',
  'planned_at',
  'regenerations',
  'review_group',
  'four_eyes',
  'approved_by',
  'rejected_by',
  'claimed_by',
  'claimed_at',
  'claimed_until',
  'at_work_until',
  'held_decision',
  'held_until',
  'deadline_at',
  'deadline_grace_seconds',
  'on_deadline',
];

/**
 * Reads judgements from `$1`; `judged` is each that may be made, with its job as it is once it is locked, unless it was
 * made, held or undone before. One that `changes` something makes a new revision, which nobody else has judged yet.
 */
export const JUDGED = `input AS (
  SELECT t.*, CASE verdict ${STATUS_SQL} END AS status_after, policy IS NOT NULL AS automatic,
         coalesce((policy ->> 'atDeadline')::boolean, false) AS at_deadline,
         verdict <> 'regenerate' AND (verdict = 'edit' OR response IS NOT NULL OR payload IS NOT NULL) AS changes
  FROM jsonb_to_recordset($1::jsonb) AS t (
    id uuid, "jobId" uuid, project text, verdict text, actor text, revision int, response text, payload text, model text, asked text, feedback text, reason text,
    "reasonCode" text, "submitterMessage" text, "requestHash" text, change jsonb, violations jsonb, desk jsonb, policy jsonb,
    settles boolean, deadline timestamptz)
), ${locked(...JUDGED_COLUMNS)}, judged AS MATERIALIZED (
  SELECT r.*, j.status AS old_status, j.revision AS judged_revision, j.response AS old_response, j.payload AS old_payload,
         j.waiting_since AS old_waiting_since, CASE WHEN j.claimed_by = r.actor THEN j.claimed_at END AS old_claimed_at
  FROM input r JOIN locked j ON j.id = r."jobId"
  WHERE ${MAY_DECIDE}
    AND NOT EXISTS (SELECT FROM decisions d WHERE d.id = r.id)
    AND NOT EXISTS (SELECT FROM jobs h WHERE h.held_decision ->> 'id' = r.id::text AND h.id <> j.id)
    AND NOT EXISTS (SELECT FROM job_events e WHERE e.job_id = j.id AND e.type = 'undone' AND e.data ->> 'decision_id' = r.id::text)
)`;

/** Who approved, or rejected, what the judgement `r` leaves, but for its author. */
const STILL = (voters: string): string => `CASE WHEN r.changes THEN '{}' ELSE j.${voters} END`;

/**
 * Whether the judgement `r` takes the job `j` out of `human`: a policy's, sending it back, or the last one of as many
 * different people as must agree on what it leaves.
 */
const IS_FINAL = `(r.automatic OR r.verdict = 'regenerate' OR j.approvals <= 1 + cardinality(
  CASE r.verdict WHEN 'reject' THEN ${STILL('rejected_by')} ELSE ${STILL('approved_by')} END))`;

/** Whether the judgement `r` is the first that contradicts another one of the same revision. */
const DISAGREES = `(NOT ${IS_FINAL} AND j.escalated_at IS NULL AND NOT r.changes AND
  cardinality(CASE r.verdict WHEN 'reject' THEN j.approved_by ELSE j.rejected_by END) > 0)`;

/**
 * human → success, fail or bot, once per job that still waits with the judged revision and that this reviewer may
 * decide; null for the others, and for a decision that was made before, even when the job waits again since. Where
 * more people must agree, the job stays in `human` with one vote more.
 * The released hash is the database's own, of the row that becomes `success`.
 * @param judgements at most one per job
 * @param settles the judgements are the held ones of their jobs, and due
 */
export async function decide(
  database: DataSource,
  judgements: Judgement[],
  settles = false,
): Promise<(Decided | null)[]> {
  const rows: { jobId: string; status: JobStatus; revision: number; bellId: string | null }[] =
    await database.query(
      prepared(
        'decide',
        `WITH ${JUDGED}, job AS (
         UPDATE jobs j
         SET status = CASE WHEN ${IS_FINAL} THEN r.status_after ELSE 'human' END,
             response = CASE WHEN r.verdict <> 'regenerate' THEN coalesce(r.response::json, j.response) END,
             model_response = CASE WHEN r.verdict = 'regenerate' THEN NULL WHEN r.response IS NULL THEN j.model_response
                              ELSE coalesce(j.model_response, j.response) END,
             response_violations = CASE WHEN r.verdict = 'regenerate' THEN NULL WHEN r.response IS NULL THEN j.response_violations
                                   ELSE r.violations END,
             payload = coalesce(r.payload::json, j.payload), model = CASE WHEN r.payload IS NULL THEN j.model ELSE r.model END,
             asked = CASE WHEN r.payload IS NULL THEN j.asked ELSE r.asked END,
             original_payload = CASE WHEN r.payload IS NULL THEN j.original_payload ELSE coalesce(j.original_payload, j.payload) END,
             fallback = CASE WHEN r.verdict = 'regenerate' THEN ${FALLBACK} END,
             regeneration_failed = CASE WHEN r.verdict <> 'regenerate' THEN j.regeneration_failed END,
             edited = CASE WHEN r.verdict = 'regenerate' THEN false ELSE j.edited OR r.response IS NOT NULL END,
             revision = j.revision + CASE WHEN r.changes THEN 1 ELSE 0 END,
             feedback = CASE WHEN r.feedback IS NOT NULL THEN j.feedback || r.feedback ELSE j.feedback END,
             feedback_on = CASE WHEN r.feedback IS NOT NULL THEN j.feedback_on || j.revision ELSE j.feedback_on END,
             regenerations = j.regenerations + CASE r.verdict WHEN 'regenerate' THEN 1 ELSE 0 END,
             approved_by = CASE WHEN r.verdict IN ('approve', 'edit') AND NOT r.automatic THEN ${STILL('approved_by')} || r.actor ELSE ${STILL('approved_by')} END,
             rejected_by = CASE WHEN r.verdict = 'reject' AND NOT r.automatic THEN ${STILL('rejected_by')} || r.actor ELSE ${STILL('rejected_by')} END,
             rule = CASE WHEN r.automatic AND NOT r.at_deadline THEN r.policy ->> 'rule' ELSE j.rule END,
             policy_hash = CASE WHEN r.automatic AND NOT r.at_deadline THEN r.policy ->> 'hash' ELSE j.policy_hash END,
             review_group = CASE WHEN ${DISAGREES} THEN coalesce(j.escalate_to, j.review_group) ELSE j.review_group END,
             escalated_at = CASE WHEN ${DISAGREES} THEN now() ELSE j.escalated_at END,
             escalate_at = CASE WHEN NOT ${IS_FINAL} AND NOT ${DISAGREES} THEN j.escalate_at END,
             remind_at = CASE WHEN NOT ${IS_FINAL} THEN j.remind_at END,
             deadline_at = CASE WHEN NOT ${IS_FINAL} THEN j.deadline_at END,
             waiting_since = CASE WHEN NOT ${IS_FINAL} THEN j.waiting_since END,
             claimed_by = NULL, claimed_at = NULL, claimed_until = NULL, claim_id = NULL, held_decision = NULL, held_until = NULL,
             at_work_until = CASE WHEN NOT ${IS_FINAL} THEN j.at_work_until END, round_attempts = 0,
             failure_reason = CASE WHEN r.verdict = 'reject' AND ${IS_FINAL} THEN 'rejected' END,
             failure_detail = CASE WHEN r.verdict = 'reject' AND ${IS_FINAL} THEN r."submitterMessage" END,
             finished_at = CASE WHEN r.verdict <> 'regenerate' AND ${IS_FINAL} THEN now() END,
             next_kick_at = CASE r.verdict WHEN 'regenerate' THEN now() + ${KICK_SECONDS} * interval '1 second' END,
             updated_at = now()
         FROM judged r
         WHERE j.id = r."jobId" AND j.status = r.old_status
         RETURNING j.id, j.status, j.revision, j.released_hash, j.project, j.callback_url, j.approvals, j.model, j.policy_hash,
                   CASE WHEN r.automatic THEN r.policy ->> 'rule' ELSE j.rule END AS rule, j.review_group, j.escalated_at, r.id AS decision_id, r.verdict, r.actor, r.feedback, r.reason, r."reasonCode" AS reason_code,
                   r."submitterMessage" AS submitter_message, r."requestHash" AS request_hash, r.change, r.automatic, r.at_deadline,
                   r.judged_revision, r.old_waiting_since, r.old_claimed_at,
                   CASE WHEN r.response IS NOT NULL OR j.status = 'success' THEN encode(hitl_content_hash(j.response), 'hex') END AS response_hash,
                   CASE WHEN r.payload IS NOT NULL THEN r.old_payload::text END AS replaced_payload,
                   CASE WHEN r.response IS NOT NULL OR r.verdict = 'regenerate' THEN r.old_response::text END AS replaced_response
       ), decision AS (
         INSERT INTO decisions (id, job_id, project, revision, verdict, actor, reason, reason_code, submitter_message, feedback, request_hash,
                                released_revision, released_hash, final, automatic, at_deadline, approvals, model, rule, policy_hash,
                                patch, text_diff, edit_distance, waiting_since, claimed_at)
         SELECT decision_id, id, project, judged_revision, verdict, actor, reason, reason_code, submitter_message, feedback, decode(request_hash, 'hex'),
                CASE status WHEN 'success' THEN revision END, released_hash, status <> 'human', automatic, at_deadline, approvals,
                model, rule, policy_hash, (change ->> 'patch')::json, change ->> 'textDiff', (change ->> 'editDistance')::real,
                old_waiting_since, old_claimed_at
         FROM job
       ), event AS (
         INSERT INTO job_events (job_id, type, status, revision, actor, policy_hash, data, replaced)
         SELECT id, CASE WHEN verdict = 'regenerate' THEN 'regenerated' WHEN status = 'human' THEN 'voted' ELSE 'decided' END,
                status, revision, actor, policy_hash,
                jsonb_strip_nulls(jsonb_build_object(
                  'decision_id', decision_id, 'verdict', verdict, 'judged_revision', judged_revision, 'reason_code', reason_code,
                  'reason', reason, 'submitter_message', submitter_message, 'feedback', feedback, 'response_hash', response_hash,
                  'rule', CASE WHEN automatic THEN rule END, 'at_deadline', nullif(at_deadline, false))),
                nullif(CASE WHEN replaced_payload IS NULL THEN '{}' ELSE jsonb_build_object('payload', replaced_payload) END ||
                       CASE WHEN replaced_response IS NULL THEN '{}' ELSE jsonb_build_object('response', replaced_response) END, '{}')
         FROM job
         UNION ALL
         SELECT id, 'escalated', status, revision, actor, policy_hash,
                jsonb_build_object('because', 'reviewers disagree', 'group', review_group), NULL
         FROM job WHERE status = 'human' AND escalated_at = now()
       ), ${deliveries()}, drafts_gone AS (
         DELETE FROM drafts d USING job WHERE d.job_id = job.id AND (d.actor = job.actor OR job.status IN ('success', 'fail'))
       ), bell AS (
         INSERT INTO outbox (pattern, job_id, due_at)
         SELECT 'inference.requested', id, now() + ${BELL_GRACE_SECONDS} * interval '1 second' FROM job WHERE status = 'bot'
         RETURNING id, job_id
       )
       SELECT job.id AS "jobId", job.status, job.revision, bell.id AS "bellId"
       FROM job LEFT JOIN bell ON bell.job_id = job.id`,
      ),
      [JSON.stringify(judgements.map((judgement) => ({ ...judgement, ...payloadOf(judgement), settles })))],
    );
  const byJob = new Map(rows.map((row) => [row.jobId, row]));
  return judgements.map(({ jobId }) => {
    const row = byJob.get(jobId);
    if (!row) return null;
    const bell = row.bellId ? { id: row.bellId, pattern: 'inference.requested' as const, jobId } : null;
    return { status: row.status, revision: row.revision, bell };
  });
}

/** What the columns beside a new payload say of it; nothing where the payload stays. */
export function payloadOf({
  payload,
}: {
  payload: string | null;
}): PayloadSummary | { model: null; asked: null } {
  return payload === null ? { model: null, asked: null } : summaryOf(new JsonText(payload));
}
