import {
  ROLES,
  VERDICTS,
  type DecisionRequest,
  type Edit,
  type JobStatus,
  type Note,
  type RestoreRequest,
  type Role,
  type Scope,
  type Timed,
  type Verdict,
} from '@hitl/domain';
import {
  ArrayMaxSize,
  IsArray,
  IsIn,
  IsInt,
  IsISO8601,
  IsNotEmpty,
  IsOptional,
  IsString,
  IsUUID,
} from 'class-validator';
import { IsActor } from './is-actor';
import { IsProject } from './is-project';

/** Groups of one reviewer. */
const MAX_GROUPS = 1000;

/** A command that a person waits for, about that person's project. */
export abstract class PersonsCommand implements Scope, Timed {
  @IsProject()
  project: string;
  /** What the person is: the review service asks again whether they may. */
  @IsOptional()
  @IsIn(ROLES, { each: true })
  roles?: readonly Role[];
  /** The groups of reviewers that sign-in gives the person, beside those in which the policy names them. */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MAX_GROUPS)
  @IsString({ each: true })
  groups?: readonly string[];
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
  /** As those of a {@link PersonsCommand}. */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MAX_GROUPS)
  @IsString({ each: true })
  groups?: readonly string[];
}

/** The job's status and revision once the command has taken effect. */
export interface ReviewReply {
  status: JobStatus;
  revision: number;
}
