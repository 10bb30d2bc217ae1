import type { OnDeadline, FieldFault, PolicyOutcome, ReviewPlan, Scope, Verdict } from '@hitl/domain';
import { IsInt, IsString, Max, Min } from 'class-validator';
import { IsProject } from './is-project';

/** Command: tell the policy in force. Answered with a {@link PolicyReply}. */
export class ReadPolicy {
  static readonly pattern = 'policies.read';
}

/** The policy in force; without one only the reasons of a rejection are there. */
export interface PolicyReply {
  configured: boolean;
  /** SHA-256 of the text, in hex. */
  hash: string | null;
  loadedAt: string | null;
  /** Why the file as it is now is not in force. */
  error: string | null;
  text: string | null;
  groups: Record<string, string[]>;
  rejectReasons: { code: string; label: string }[];
  rules: PolicyRule[];
}

/** A rule, with the policy's defaults filled in. Times are milliseconds since the answer began to wait. */
export interface PolicyRule extends Omit<ReviewPlan, 'rule' | 'because'> {
  name: string;
  when: string | null;
  outcome: PolicyOutcome;
  sample: number;
  shadow: boolean;
  submitterMessage: string | null;
}

/** Command: try a policy on the newest answers, which changes nothing. Answered with a {@link DryRunReply}. */
export class DryRunPolicy implements Scope {
  static readonly pattern = 'policies.dry-run';

  /** Whose answers. */
  @IsProject()
  project: string;
  @IsString()
  policy: string;
  /** How many answers. */
  @IsInt()
  @Min(1)
  @Max(1000)
  last: number;
}

export interface DryRunReply {
  hash: string;
  warnings: FieldFault[];
  /** How many answers were looked at. */
  jobs: number;
  outcomes: Record<PolicyOutcome, number>;
  /** Rules in their order; null: the defaults. */
  byRule: { rule: string | null; jobs: number }[];
  /** Whether the time was over before the answers were. */
  stoppedEarly: boolean;
  /** The newest that would have gone another way. */
  changes: PolicyChange[];
}

export interface PolicyChange {
  jobId: string;
  before: { outcome: PolicyOutcome; rule: string | null; finalVerdict: Verdict | null };
  /** Approvals and group where a human would review. */
  after: {
    outcome: PolicyOutcome;
    rule: string | null;
    approvals: number | null;
    group: string | null;
    because: string | null;
    /** What ends the wait when nobody decides, when, and for how long somebody at work may put it off. */
    ends: { afterMs: number; outcome: OnDeadline; graceMs: number } | null;
  };
}
