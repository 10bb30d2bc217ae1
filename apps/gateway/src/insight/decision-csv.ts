import type { DecisionRecord } from '@hitl/domain';
import { stringify } from 'csv-stringify/sync';

/** The columns of decisions.csv. */
const COLUMNS: Record<string, (decision: DecisionRecord) => string | number | boolean | Date | null> = {
  decision_id: ({ id }) => id,
  job_id: ({ jobId }) => jobId,
  revision: ({ revision }) => revision,
  verdict: ({ verdict }) => verdict,
  final: ({ final }) => final,
  automatic: ({ automatic }) => automatic,
  shadow: ({ shadow }) => shadow,
  actor: ({ actor }) => actor,
  model: ({ model }) => model,
  rule: ({ rule }) => rule,
  policy_hash: ({ policyHash }) => policyHash,
  reason_code: ({ reasonCode }) => reasonCode,
  reason: ({ reason }) => reason,
  submitter_message: ({ submitterMessage }) => submitterMessage,
  edit_distance: ({ editDistance }) => editDistance,
  waited_ms: ({ waitingSince, createdAt }) => waitingSince && createdAt.getTime() - waitingSince.getTime(),
  claimed_ms: ({ claimedAt, createdAt }) => claimedAt && createdAt.getTime() - claimedAt.getTime(),
  created_at: ({ createdAt }) => createdAt,
  job_status: ({ jobStatus }) => jobStatus,
  job_finished_at: ({ jobFinishedAt }) => jobFinishedAt,
};

export const CSV_HEADER = `${Object.keys(COLUMNS).join(',')}\n`;

/** Decisions as CSV. A cell that a spreadsheet would take for a formula begins with an apostrophe. */
export function decisionLines(decisions: DecisionRecord[]): string {
  const cells = Object.values(COLUMNS);
  return stringify(
    decisions.map((decision) => cells.map((cell) => cell(decision))),
    { escape_formulas: true, cast: { boolean: String, date: (date) => date.toISOString() } },
  );
}
