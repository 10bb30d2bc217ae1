import { createHash } from 'node:crypto';
import type { FieldFault, PolicyOutcome, PolicyVerdict, Reviewer, ReviewPlan } from '@hitl/domain';
import { runBounded, TimeLimitError } from '@hitl/sandbox';
import { ConditionFailure, type Condition, type Facts } from './condition';

/** All rules together may take this long for one job, in milliseconds. */
export const EVALUATION_TIMEOUT_MS = 100;

/** Chances that a job has when the machine is too busy to run its rules in time. */
const MAX_RUNS = 3;

/** Who must review, how many, by when, and what happens then: a plan without its reasons. */
export type Terms = Omit<ReviewPlan, 'rule' | 'because'>;

export interface Rule extends Terms {
  name: string;
  /** Null: always. */
  when: Condition | null;
  outcome: PolicyOutcome;
  /** Share of its jobs that a human sees all the same, from 0 to 1. */
  sample: number;
  /** A human reviews all of its jobs; the outcome is only recorded. */
  shadow: boolean;
  submitterMessage: string | null;
}

export interface RejectReason {
  code: string;
  label: string;
}

/** What a policy says about one answer: a decision, or who must review it. */
export type Ruling =
  | { decide: { verdict: PolicyVerdict; rule: string; submitterMessage: string | null } }
  | { plan: ReviewPlan; shadow: { verdict: PolicyVerdict; rule: string } | null };

export interface PolicyContent {
  text: string;
  groups: Record<string, string[]>;
  rejectReasons: RejectReason[];
  defaults: Terms;
  /** Whether the defaults say so themselves: `four_eyes: false`. */
  letsSubmittersDecide: boolean;
  rules: Rule[];
  /** What is allowed but cannot be meant. */
  warnings: FieldFault[];
}

/** Rules in order: the first that matches an answer decides what happens to it. */
export class Policy implements PolicyContent {
  /** SHA-256 of the text, in hex. */
  readonly hash: string;
  readonly text: string;
  readonly groups: Record<string, string[]>;
  readonly rejectReasons: RejectReason[];
  readonly defaults: Terms;
  readonly letsSubmittersDecide: boolean;
  readonly rules: Rule[];
  readonly warnings: FieldFault[];

  constructor(content: PolicyContent) {
    this.hash = createHash('sha256').update(content.text).digest('hex');
    this.text = content.text;
    this.groups = content.groups;
    this.rejectReasons = content.rejectReasons;
    this.defaults = content.defaults;
    this.letsSubmittersDecide = content.letsSubmittersDecide;
    this.rules = content.rules;
    this.warnings = content.warnings;
  }

  /** The names of the groups that somebody is in: those that name them, and those that sign-in gives them. */
  groupsOf({ actor, groups = [] }: Reviewer): string[] {
    return Object.keys(this.groups).filter(
      (name) => groups.includes(name) || this.groups[name]?.includes(actor),
    );
  }

  /**
   * Never throws and takes about {@link EVALUATION_TIMEOUT_MS} at most (thrice that on a busy machine): whatever goes wrong means
   * that a human reviews. After an error no rule decides by itself any more; rules that ask for humans still say for which.
   * @param mayDecide whether a rule may decide instead of a human at all
   */
  evaluate(facts: Facts & { jobId: string }, mayDecide = true): Ruling {
    try {
      return runBounded(EVALUATION_TIMEOUT_MS, () => this.judge(facts, mayDecide), MAX_RUNS);
    } catch (error) {
      const because =
        error instanceof TimeLimitError ? `the rules took longer than ${EVALUATION_TIMEOUT_MS} ms` : 'error';
      return this.inDoubt(because);
    }
  }

  /** What happens to an answer that the rules could not be asked about, and why: people review it. */
  inDoubt(because: string): Ruling {
    return { plan: { ...this.strictest(), rule: null, because }, shadow: null };
  }

  private judge({ jobId, ...facts }: Facts & { jobId: string }, mayDecide: boolean): Ruling {
    let because: string | null = null;
    for (const rule of this.rules) {
      const answer = ask(rule, facts);
      if (answer === false) continue;
      if (answer !== true) because ??= `rule ${rule.name}: ${answer}`;
      const { name, outcome } = rule;
      if (outcome === 'human') return { plan: planOf(rule, name, because), shadow: null };
      if (because !== null) continue;
      if (rule.shadow) return { plan: planOf(rule, name, null), shadow: { verdict: outcome, rule: name } };
      if (!mayDecide || shareOf(jobId, name) < rule.sample) {
        return { plan: planOf(rule, name, null), shadow: null };
      }
      return { decide: { verdict: outcome, rule: name, submitterMessage: rule.submitterMessage } };
    }
    return { plan: planOf(this.defaults, null, because), shadow: null };
  }

  /** For answers that the rules could not be asked about: as if each rule that could match did. */
  private strictest(): Terms {
    const all = [this.defaults, ...this.rules];
    const most = all.reduce((strict, terms) => (terms.approvals > strict.approvals ? terms : strict));
    return {
      ...termsOf(most),
      fourEyes: all.some(({ fourEyes }) => fourEyes),
      onDeadline: 'fail',
      deadlineGraceMs: Math.max(...all.map(({ deadlineGraceMs }) => deadlineGraceMs)),
    };
  }
}

/** Whether a rule matches, or the kind of error that came instead of an answer. */
function ask({ when }: Rule, facts: Facts): boolean | string {
  try {
    return when === null || when.holds(facts);
  } catch (error) {
    return error instanceof ConditionFailure ? error.message : 'error';
  }
}

export function termsOf(terms: Terms): Terms {
  const { approvals, fourEyes, group, remindAfterMs, escalateAfterMs, escalateTo } = terms;
  const { deadlineMs, onDeadline, deadlineGraceMs } = terms;
  const ladder = { remindAfterMs, escalateAfterMs, escalateTo, deadlineMs, onDeadline, deadlineGraceMs };
  return { approvals, fourEyes, group, ...ladder };
}

function planOf(terms: Terms, rule: string | null, because: string | null): ReviewPlan {
  return { ...termsOf(terms), rule, because };
}

/** Where a job falls between 0 and 1 under a rule: the same for the same two, and as good as random otherwise. */
function shareOf(jobId: string, rule: string): number {
  const digest = createHash('sha256').update(`${jobId} ${rule}`).digest();
  return digest.readUIntBE(0, 6) / 2 ** 48;
}
