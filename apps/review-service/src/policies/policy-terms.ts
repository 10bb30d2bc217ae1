import type { OnDeadline } from '@hitl/domain';
import type { Condition } from './condition';
import type { Rule, Terms } from './policy';

/** The terms where a policy has no defaults. */
export const NO_TERMS: Terms = {
  approvals: 1,
  fourEyes: false,
  group: null,
  remindAfterMs: null,
  escalateAfterMs: null,
  escalateTo: null,
  deadlineMs: null,
  onDeadline: 'fail',
  deadlineGraceMs: 900_000,
};

/** The keys of {@link GivenTerms}. */
export const TERM_KEYS = [
  'approvals',
  'four_eyes',
  'group',
  'remind_after',
  'escalate_after',
  'escalate_to',
  'deadline',
  'on_deadline',
  'deadline_grace',
] as const satisfies (keyof GivenTerms)[];

/** The terms as a policy names them. Null takes a default away. */
export interface GivenTerms {
  approvals?: number;
  four_eyes?: boolean;
  group?: string | null;
  remind_after?: number | null;
  escalate_after?: number | null;
  escalate_to?: string | null;
  deadline?: number | null;
  on_deadline?: OnDeadline;
  deadline_grace?: number;
}

/** A rule as a policy has it. */
export interface GivenRule extends GivenTerms {
  name?: string;
  when?: Condition;
  outcome?: Rule['outcome'];
  sample?: number;
  shadow?: boolean;
  submitter_message?: string;
}

/** The terms of a policy's part, with the usual ones where it names none. */
export function toTerms(given: GivenTerms, usual: Terms): Terms {
  const or = <T>(value: T | undefined, otherwise: T): T => (value === undefined ? otherwise : value);
  return {
    approvals: or(given.approvals, usual.approvals),
    fourEyes: or(given.four_eyes, usual.fourEyes),
    group: or(given.group, usual.group),
    remindAfterMs: or(given.remind_after, usual.remindAfterMs),
    escalateAfterMs: or(given.escalate_after, usual.escalateAfterMs),
    escalateTo: or(given.escalate_to, usual.escalateTo),
    deadlineMs: or(given.deadline, usual.deadlineMs),
    onDeadline: or(given.on_deadline, usual.onDeadline),
    deadlineGraceMs: or(given.deadline_grace, usual.deadlineGraceMs),
  };
}

/** A rule without faults. */
export function toRule(given: GivenRule, usual: Terms): Rule {
  return {
    ...toTerms(given, usual),
    name: String(given.name),
    when: given.when ?? null,
    outcome: given.outcome ?? 'human',
    sample: given.sample ?? 0,
    shadow: given.shadow ?? false,
    submitterMessage: given.submitter_message ?? null,
  };
}
