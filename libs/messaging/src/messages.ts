import {
  actorName,
  VERDICTS,
  type DecisionRequest,
  type Edit,
  type FieldFault,
  type JobStatus,
  type Note,
  type RestoreRequest,
  type ReviewPlan,
  type Scope,
  type Timed,
  type Verdict,
} from '@hitl/domain';
import {
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsISO8601,
  IsNotEmpty,
  IsOptional,
  IsString,
  IsUUID,
  Max,
  Min,
  ValidateBy,
} from 'class-validator';

/** The field names somebody; see {@link actorName}. */
function IsActor(): PropertyDecorator {
  return ValidateBy({
    name: 'isActor',
    validator: { validate: (value) => typeof value === 'string' && actorName(value) !== null },
  });
}

/** The field names a project. */
function IsProject(): PropertyDecorator {
  return ValidateBy({
    name: 'isProject',
    validator: { validate: (value) => typeof value === 'string' && value !== '' },
  });
}

/** Durable event: a job in `bot` wants a worker. */
export class InferenceRequested {
  static readonly pattern = 'inference.requested';

  @IsUUID()
  jobId: string;
}

/** Durable event: a job has a new answer. */
export class ReviewRequested {
  static readonly pattern = 'review.requested';

  @IsUUID()
  jobId: string;
}

/** Transient event, to every gateway: these jobs have another status. */
export class JobChanged {
  static readonly pattern = 'job.changed';

  @IsArray()
  changes: JobChange[];
}

/** The new status of one job. */
export interface JobChange {
  jobId: string;
  status: JobStatus;
}

/** Transient event, to every gateway: somebody looks at a job, or no longer does. */
export class ReviewViewed {
  static readonly pattern = 'review.viewed';

  @IsUUID()
  jobId: string;
  @IsProject()
  project: string;
  @IsActor()
  actor: string;
  @IsBoolean()
  looks: boolean;
}

/** A command that a person waits for, about that person's project. */
abstract class PersonsCommand implements Scope, Timed {
  @IsProject()
  project: string;
  @IsOptional()
  @IsISO8601()
  deadline?: string;
}

/** Command: judge a job's answer. Answered with a {@link ReviewReply}. */
export class DecideReview extends PersonsCommand implements DecisionRequest {
  static readonly pattern = 'review.decide';

  @IsUUID()
  id: string;
  @IsUUID()
  jobId: string;
  @IsIn(VERDICTS)
  verdict: Verdict;
  @IsActor()
  actor: string;
  @IsOptional()
  @IsInt()
  revision: number | null;
  @IsOptional()
  @IsString()
  response: string | null;
  @IsOptional()
  @IsString()
  payload: string | null;
  @IsOptional()
  @IsString()
  feedback: string | null;
  @IsOptional()
  @IsString()
  reason: string | null;
  @IsOptional()
  @IsString()
  reasonCode: string | null;
  @IsOptional()
  @IsString()
  submitterMessage: string | null;
  @IsOptional()
  @IsInt()
  undoMs?: number;
}

/** Command: keep changes to a job that goes on waiting. Answered with a {@link ReviewReply}. */
export class EditReview extends PersonsCommand implements Edit {
  static readonly pattern = 'review.edit';

  @IsUUID()
  jobId: string;
  @IsActor()
  actor: string;
  @IsOptional()
  @IsInt()
  revision: number | null;
  @IsOptional()
  @IsString()
  response: string | null;
  @IsOptional()
  @IsString()
  payload: string | null;
}

/** Command: make an earlier answer the current one. Answered with a {@link ReviewReply}. */
export class RestoreRevision extends PersonsCommand implements RestoreRequest {
  static readonly pattern = 'review.restore';

  @IsUUID()
  jobId: string;
  @IsActor()
  actor: string;
  @IsInt()
  revision: number;
  @IsInt()
  restore: number;
}

/** Command: give the reviewer the most urgent job. Answered with a {@link ClaimReply}. */
export class ClaimNextReview extends PersonsCommand {
  static readonly pattern: string = 'review.claim-next';

  /** The command's id; repeating it claims nothing more. */
  @IsUUID()
  id: string;
  @IsActor()
  actor: string;
}

/** Command: give the reviewer this job, or renew their claim. Answered with a {@link ClaimReply}. */
export class ClaimReview extends ClaimNextReview {
  static override readonly pattern = 'review.claim';

  @IsUUID()
  jobId: string;
}

/** Command: end the reviewer's own claim. Answered with a {@link ClaimReply}. */
export class ReleaseReview extends PersonsCommand {
  static readonly pattern = 'review.release';

  @IsUUID()
  jobId: string;
  @IsActor()
  actor: string;
}

/** Command: take a decision back that has not taken effect. Answered with a {@link ReviewReply}. */
export class UndoDecision extends PersonsCommand {
  static readonly pattern = 'review.undo';

  @IsUUID()
  jobId: string;
  @IsUUID()
  decisionId: string;
  @IsActor()
  actor: string;
}

/** Command: leave a remark on a job. Answered with a {@link ClaimReply}. */
export class NoteReview extends PersonsCommand implements Note {
  static readonly pattern = 'review.note';

  @IsUUID()
  id: string;
  @IsUUID()
  jobId: string;
  @IsActor()
  actor: string;
  @IsString()
  @IsNotEmpty()
  text: string;
}

/** The job that the command was about; null when there was none to claim. */
export interface ClaimReply {
  jobId: string | null;
}

/** Command: tell by which rules somebody reviews. Answered with {@link DeskRules}. */
export class ReadDesk {
  static readonly pattern = 'review.desk';

  @IsActor()
  actor: string;
}

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

export type PolicyOutcome = 'human' | 'approve' | 'reject';

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
    ends: { afterMs: number; outcome: 'fail' | 'approve'; graceMs: number } | null;
  };
}

/** The job's status and revision once the command has taken effect. */
export interface ReviewReply {
  status: JobStatus;
  revision: number;
}
