import { MAX_NAME_LENGTH, personName, UNIONS, type OnDeadline } from '@hitl/domain';
import { field, FLAG, listOf, objectOf, oneOf, shown, wholeNumber, type Kind } from '@hitl/shapes';
import { MAX_CONDITION_LENGTH } from './condition';
import type { Rule, Terms } from './policy';

const MAX_RULES = 200;
const MAX_TIME_MS = 365 * 86_400_000;
const UNIT_MS = new Map([
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);

/** What is no name of a rule, a group or a reason, and why; undefined: it is one. */
export function faultOfName(value: unknown): string | undefined {
  if (typeof value === 'string' && /^[a-z0-9_.-]{1,100}$/.test(value)) return undefined;
  return `${shown(value)} is no name: take 1 to 100 of a-z, 0-9, "-", "_" and "."`;
}

/** As {@link faultOfName}, for a reviewer's name as `x-hitl-actor` may give it. */
export function faultOfPerson(value: unknown): string | undefined {
  if (typeof value === 'string' && personName(value) !== null) return undefined;
  return `${shown(value)} is no person's name: take 1 to ${MAX_NAME_LENGTH} characters without control characters, none of worker, desk and policy:…, and put numbers in quotes`;
}

const NAME: Kind = { faultOf: faultOfName };

const DURATION: Kind = {
  faultOf: (value) =>
    isTimeSpan(value) ? undefined : `${shown(value)} is no time from 1s to 365d, such as 90s, 30m, 24h or 7d`,
};

const DURATION_OR_ZERO: Kind = {
  faultOf: (value) => (value === '0s' ? undefined : DURATION.faultOf?.(value, {})),
};

const SHARE: Kind = {
  faultOf: (value) =>
    typeof value === 'number' && value >= 0 && value <= 1
      ? undefined
      : `${shown(value)} is not a share from 0 to 1, such as 0.05`,
};

/** CEL. YAML reads a bare true as a boolean; CEL has it, too. */
const CONDITION: Kind = {
  faultOf: (value) =>
    typeof value === 'boolean' || (typeof value === 'string' && value.length <= MAX_CONDITION_LENGTH)
      ? undefined
      : `${shown(value)} is not a text of at most ${MAX_CONDITION_LENGTH} characters`,
};

function shortText(max: number): Kind {
  return {
    faultOf: (value) =>
      typeof value === 'string' && value.length >= 1 && value.length <= max
        ? undefined
        : `${shown(value)} is not a text of 1 to ${max} characters; put numbers in quotes`,
  };
}

const OPTIONAL = { optional: true };
/** Null takes a default away. */
const OR_NONE = { optional: true, nullable: true };

/** The terms as a policy gives them. */
export class TermsEntry {
  @field(wholeNumber(1, 10), OPTIONAL)
  approvals?: number;

  @field(FLAG, OPTIONAL)
  four_eyes?: boolean;

  @field(NAME, OR_NONE)
  group?: string | null;

  @field(DURATION, OR_NONE)
  remind_after?: string | null;

  @field(DURATION, OR_NONE)
  escalate_after?: string | null;

  @field(NAME, OR_NONE)
  escalate_to?: string | null;

  @field(DURATION, OR_NONE)
  deadline?: string | null;

  @field(oneOf(UNIONS.OnDeadline), OPTIONAL)
  on_deadline?: OnDeadline;

  @field(DURATION_OR_ZERO, OPTIONAL)
  deadline_grace?: string;
}

/** A rule as a policy gives it. */
export class RuleEntry extends TermsEntry {
  @field(NAME)
  name: string;

  @field(CONDITION, OPTIONAL)
  when?: string | boolean;

  @field(oneOf(UNIONS.PolicyOutcome), OPTIONAL)
  outcome?: Rule['outcome'];

  @field(SHARE, OPTIONAL)
  sample?: number;

  @field(FLAG, OPTIONAL)
  shadow?: boolean;

  @field(shortText(1000), OPTIONAL)
  submitter_message?: string;
}

class ReasonEntry {
  @field(NAME)
  code: string;

  @field(shortText(200))
  label: string;
}

/** A policy's file (docs/policies.md). */
export class PolicyDocument {
  @field(oneOf([1]))
  version: 1;

  /** An object of lists: its keys and their members are checked where it is read. */
  @field({}, OPTIONAL)
  groups?: unknown;

  @field(listOf(ReasonEntry, 1, 100), OPTIONAL)
  reject_reasons?: ReasonEntry[];

  @field(objectOf(TermsEntry), OPTIONAL)
  defaults?: TermsEntry;

  @field(listOf(RuleEntry, 0, MAX_RULES))
  rules: RuleEntry[];
}

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

/** The terms of a policy's part, with the usual ones where it gives none. */
export function toTerms(given: TermsEntry, usual: Terms): Terms {
  const or = <T>(value: T | undefined, otherwise: T): T => (value === undefined ? otherwise : value);
  return {
    approvals: or(given.approvals, usual.approvals),
    fourEyes: or(given.four_eyes, usual.fourEyes),
    group: or(given.group, usual.group),
    remindAfterMs: or(msOf(given.remind_after), usual.remindAfterMs),
    escalateAfterMs: or(msOf(given.escalate_after), usual.escalateAfterMs),
    escalateTo: or(given.escalate_to, usual.escalateTo),
    deadlineMs: or(msOf(given.deadline), usual.deadlineMs),
    onDeadline: or(given.on_deadline, usual.onDeadline),
    deadlineGraceMs: or(msOf(given.deadline_grace), usual.deadlineGraceMs),
  };
}

function isTimeSpan(value: unknown): boolean {
  const ms = typeof value === 'string' ? durationMs(value) : NaN;
  return ms > 0 && ms <= MAX_TIME_MS;
}

function msOf<T extends null | undefined>(text: string | T): number | T {
  return typeof text === 'string' ? durationMs(text) : text;
}

/** A duration such as `90s` in milliseconds; NaN for any other text. */
function durationMs(text: string): number {
  const [, amount, unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  return Number(amount) * (UNIT_MS.get(unit) ?? NaN);
}
