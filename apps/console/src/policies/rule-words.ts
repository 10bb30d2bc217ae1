import type { CurrentPolicy } from '../api/client';
import { duration } from '../text/time';
import { LOOKS } from '../verdicts/looks';

type Rule = CurrentPolicy['rules'][number];

/** What a rule does with an answer. */
export function outcomeOf({ outcome, sample, shadow }: Rule): string {
  if (outcome === 'human') return 'a person reviews';
  const verb = LOOKS[outcome].name;
  if (shadow) return `would be ${verb}: recorded only, a person reviews`;
  if (sample === 0) return `${verb} without a person`;
  const share = sample.toLocaleString('en', { style: 'percent', maximumFractionDigits: 2 });
  return `${verb} without a person, but for ${share} that a person reviews`;
}

/** Whether the policy decides by this rule alone, always. */
function isAlone({ outcome, sample, shadow }: Rule): boolean {
  return outcome !== 'human' && sample === 0 && !shadow;
}

/** Who reviews. */
export function reviewersOf(rule: Rule): string {
  if (isAlone(rule)) return 'nobody';
  const { approvals, group, four_eyes } = rule;
  const who = approvals === 1 ? 'one' : String(approvals);
  const whose = group === null ? (approvals === 1 ? 'anyone' : `${who} people`) : `${who} of ${group}`;
  return four_eyes ? `${whose}, never the submitter` : whose;
}

/** What happens to an answer that waits, in the order of time. */
export function ladderOf(rule: Rule): string[] {
  if (isAlone(rule)) return [];
  const { remind_after_ms, escalate_after_ms, escalate_to, deadline_ms, on_deadline } = rule;
  return [
    remind_after_ms === null ? null : `${duration(remind_after_ms)}: reminder`,
    escalate_after_ms === null ? null : `${duration(escalate_after_ms)}: to ${escalate_to ?? 'everybody'}`,
    deadline_ms === null
      ? null
      : `${duration(deadline_ms)}: ${on_deadline === 'approve' ? 'auto-approves' : 'expires'}`,
  ].filter((step) => step !== null);
}
