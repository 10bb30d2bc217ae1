import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import {
  DomainError,
  isJsonObject,
  VERDICTS,
  type DecisionRequest,
  type Draft,
  type FieldFault,
  type Job,
  type Json,
  type Verdict,
} from '@hitl/domain';
import { IsIn, IsInt, IsOptional, IsString, IsUUID, Length, Max, Min } from 'class-validator';
import { v7 as uuidv7 } from 'uuid';
import { IsListOf, IsPresent } from '../http/validate';
import { forReviewer, JobDto } from '../jobs/job.dto';
import { ApiJson } from '../openapi/any-json';
import { Problem } from '../openapi/problem.dto';

/** Longest feedback, reason, message and note, in characters. */
const LONGEST_TEXT = 10_000;
/** Longest code of a reason. */
const LONGEST_CODE = 100;
/** Decisions that one request makes at most. */
const MOST_DECISIONS = 200;
const LARGEST_REVISION = 2_147_483_647;

const text = (description: string, maxLength = LONGEST_TEXT) =>
  ({ description, type: String, minLength: 1, maxLength, nullable: true }) as const;

export class DecisionDto {
  @ApiPropertyOptional({
    description: 'An id of your own for the decision: deciding again with the same one decides nothing more.',
    type: String,
    format: 'uuid',
    nullable: true,
  })
  @IsOptional()
  @IsUUID()
  id?: string | null;

  @ApiProperty({
    enum: VERDICTS,
    enumName: 'Verdict',
    description:
      'approve: deliver the answer. edit: deliver response instead. reject: deliver nothing. regenerate: ask the model again.',
  })
  @IsIn(VERDICTS)
  verdict: Verdict;

  @ApiJson({ description: 'With edit: the answer to deliver, any JSON but null.', required: false })
  @IsOptional()
  response?: Json;

  @ApiJson({ description: 'With regenerate: the request to send instead; null is none.', required: false })
  @IsOptional()
  payload?: Json;

  @ApiPropertyOptional(text('With regenerate: what the model should do differently.'))
  @IsOptional()
  @IsString()
  @Length(1, LONGEST_TEXT)
  feedback?: string | null;

  @ApiPropertyOptional(text('Why, for reviewers and auditors; the submitter never reads it.'))
  @IsOptional()
  @IsString()
  @Length(1, LONGEST_TEXT)
  reason?: string | null;

  @ApiPropertyOptional({
    ...text("Why, as one of the project's reasons: see GET /v1/policies/current.", LONGEST_CODE),
    example: 'incorrect',
  })
  @IsOptional()
  @IsString()
  @Length(1, LONGEST_CODE)
  reason_code?: string | null;

  @ApiPropertyOptional(text('With reject: what the submitter may read; it becomes failure.detail.'))
  @IsOptional()
  @IsString()
  @Length(1, LONGEST_TEXT)
  submitter_message?: string | null;
}

/** A decision that says itself what it is about. */
export class BulkDecision extends DecisionDto {
  @ApiProperty({ format: 'uuid' })
  @IsUUID()
  job_id: string;

  @ApiProperty({ type: 'integer', description: 'The revision that was judged', minimum: 1 })
  @IsInt()
  @Min(1)
  @Max(LARGEST_REVISION)
  revision: number;
}

export class BulkDecisions {
  @ApiProperty({ type: [BulkDecision], minItems: 1, maxItems: MOST_DECISIONS })
  @IsListOf(BulkDecision, MOST_DECISIONS)
  decisions: BulkDecision[];
}

export class NoteDto {
  @ApiPropertyOptional({
    description: 'An id of your own for the note: noting again with the same one notes nothing more.',
    type: String,
    format: 'uuid',
    nullable: true,
  })
  @IsOptional()
  @IsUUID()
  id?: string | null;

  @ApiProperty({ minLength: 1, maxLength: LONGEST_TEXT })
  @IsString()
  @Length(1, LONGEST_TEXT)
  text: string;
}

export class SaveDraft {
  @ApiProperty({ type: 'integer', minimum: 1, description: 'The revision that it was begun on' })
  @IsInt()
  @Min(1)
  @Max(LARGEST_REVISION)
  revision: number;

  @ApiJson({ description: 'Whatever the reviewer has written so far.' })
  @IsPresent()
  content: Json;
}

export class DraftDto {
  @ApiProperty({ type: 'integer' })
  revision: number;

  @ApiJson({ description: 'Whatever was saved.' })
  content: Json;

  @ApiProperty({ format: 'date-time' })
  updated_at: string;
}

export class ClaimDto {
  @ApiProperty()
  by: string;

  @ApiProperty({ format: 'date-time' })
  since: string;

  @ApiProperty({ format: 'date-time', description: 'It ends by itself then, unless it is renewed.' })
  until: string;
}

export class HeldDecision {
  @ApiProperty({ format: 'uuid' })
  decision_id: string;

  @ApiProperty({ enum: VERDICTS, enumName: 'Verdict' })
  verdict: Verdict;

  @ApiProperty()
  by: string;

  @ApiProperty({ format: 'date-time', description: 'It takes effect then, unless it is undone.' })
  until: string;
}

class ReviewState {
  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    description: 'Since when the answer waits',
  })
  since: string | null;

  @ApiProperty({ description: 'Whether the policy has said who must review' })
  planned: boolean;

  @ApiProperty({ type: String, nullable: true, description: "The policy's rule that sent it here" })
  rule: string | null;

  @ApiProperty({ type: String, nullable: true })
  policy_hash: string | null;

  @ApiProperty({ type: 'integer', description: 'How many different people must agree' })
  approvals: number;

  @ApiProperty({ type: [String], description: 'Who has approved this revision' })
  approved_by: string[];

  @ApiProperty({ type: [String], description: 'Who has rejected this revision' })
  rejected_by: string[];

  @ApiProperty({ description: 'Whether the submitter may not review it' })
  four_eyes: boolean;

  @ApiProperty({ type: String, nullable: true, description: 'The group whose members may review it' })
  group: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  remind_at: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  escalate_at: string | null;

  @ApiProperty({ type: String, nullable: true })
  escalate_to: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  escalated_at: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  deadline_at: string | null;

  @ApiProperty({
    type: String,
    enum: ['fail', 'approve'],
    enumName: 'OnDeadline',
    nullable: true,
    description: 'What happens at the deadline',
  })
  on_deadline: 'fail' | 'approve' | null;

  @ApiProperty({ type: 'integer', description: 'How often it was sent back to the model' })
  regenerations: number;

  @ApiProperty({ type: ClaimDto, nullable: true, description: 'Who has it now' })
  claim: ClaimDto | null;

  @ApiProperty({ type: HeldDecision, nullable: true, description: 'A decision that can still be undone' })
  held: HeldDecision | null;
}

/** A job as reviewers see it. */
export class ReviewDto extends JobDto {
  @ApiProperty()
  submitter: string;

  @ApiProperty({ type: String, nullable: true, description: 'The model that the payload asks for' })
  model: string | null;

  @ApiJson({ description: "The model's own answer, where a human has changed it; else null." })
  model_response: Json;

  @ApiJson({ description: 'The JSON Schema that an edited answer must satisfy; null: any.' })
  response_schema: Json;

  @ApiProperty({ type: [String], description: 'What the model was asked to do differently, oldest first' })
  feedback: string[];

  @ApiProperty({ type: ReviewState })
  review: ReviewState;
}

export class ReviewPage {
  @ApiProperty({ type: [ReviewDto] })
  data: ReviewDto[];

  @ApiProperty()
  has_more: boolean;

  @ApiProperty({ type: String, nullable: true, description: 'Pass it as cursor to go on.' })
  next_cursor: string | null;
}

/** What became of one of many decisions: the job as it is now, or why nothing was decided. */
export class BulkResult {
  @ApiProperty({ format: 'uuid' })
  job_id: string;

  @ApiProperty({ type: ReviewDto, nullable: true })
  job: ReviewDto | null;

  @ApiProperty({ type: Problem, nullable: true })
  problem: object | null;
}

export class BulkResults {
  @ApiProperty({ type: [BulkResult], description: 'In the order of the decisions' })
  results: BulkResult[];
}

export function toReview(job: Job): ReviewDto {
  return Object.assign(forReviewer(job), {
    submitter: job.submitter,
    model: job.model,
    model_response: job.modelResponse,
    response_schema: job.responseSchema,
    feedback: job.feedback,
    review: stateOf(job),
  });
}

function stateOf(job: Job): ReviewState {
  const time = (at: Date | null): string | null => at?.toISOString() ?? null;
  return {
    since: time(job.waitingSince),
    planned: job.plannedAt !== null,
    rule: job.rule,
    policy_hash: job.policyHash,
    approvals: job.approvals,
    approved_by: job.approvedBy,
    rejected_by: job.rejectedBy,
    four_eyes: job.fourEyes,
    group: job.group || null,
    remind_at: time(job.remindAt),
    escalate_at: time(job.escalateAt),
    escalate_to: job.escalateTo,
    escalated_at: time(job.escalatedAt),
    deadline_at: time(job.deadlineAt),
    on_deadline: job.onDeadline,
    regenerations: job.regenerations,
    claim: claimOf(job),
    held: heldOf(job),
  };
}

/** Who has the job now. */
export function claimOf({
  claimedBy,
  claimedAt,
  claimedUntil,
}: Pick<Job, 'claimedBy' | 'claimedAt' | 'claimedUntil'>): ClaimDto | null {
  if (claimedBy === null || !claimedAt || !claimedUntil || claimedUntil <= new Date()) return null;
  return { by: claimedBy, since: claimedAt.toISOString(), until: claimedUntil.toISOString() };
}

/** The decision on the job that can still be undone. */
export function heldOf({
  heldDecision,
  heldUntil,
}: Pick<Job, 'heldDecision' | 'heldUntil'>): HeldDecision | null {
  if (!isJsonObject(heldDecision) || !heldUntil) return null;
  const { id, verdict, actor } = heldDecision as unknown as DecisionRequest;
  return { decision_id: id, verdict, by: actor, until: heldUntil.toISOString() };
}

export function toDraft(draft: Draft): DraftDto {
  return { revision: draft.revision, content: draft.content, updated_at: draft.updatedAt.toISOString() };
}

/** What the review service is asked for. @throws DomainError `invalid_request` */
export function toRequest(
  jobId: string,
  revision: number | null,
  body: DecisionDto,
  actor: string,
  pointer = '',
): DecisionRequest {
  requireFittingFields(body, pointer);
  return {
    id: body.id?.toLowerCase() ?? uuidv7(),
    jobId,
    verdict: body.verdict,
    actor,
    revision,
    response: body.response ?? null,
    payload: body.payload ?? null,
    feedback: body.feedback ?? null,
    reason: body.reason ?? null,
    reasonCode: body.reason_code ?? null,
    submitterMessage: body.submitter_message ?? null,
  };
}

/** The fields that belong to each verdict, besides the reason. */
const FIELDS = {
  approve: [],
  edit: ['response'],
  reject: ['reason_code', 'submitter_message'],
  regenerate: ['payload', 'feedback', 'reason_code'],
} as const satisfies Record<Verdict, readonly (keyof DecisionDto)[]>;

const SPECIAL_FIELDS = ['response', 'payload', 'feedback', 'reason_code', 'submitter_message'] as const;

/** Refuses fields that do not belong to the verdict, so that nothing which a reviewer sends is silently dropped. */
function requireFittingFields(decision: DecisionDto, at: string): void {
  const faults: FieldFault[] = [];
  const allowed: readonly string[] = FIELDS[decision.verdict];
  for (const field of SPECIAL_FIELDS) {
    const given = decision[field] !== undefined && decision[field] !== null;
    if (given && !allowed.includes(field)) {
      faults.push({ pointer: `${at}/${field}`, detail: `does not go with the verdict ${decision.verdict}` });
    }
  }
  if (decision.verdict === 'edit' && (decision.response === undefined || decision.response === null)) {
    faults.push({
      pointer: `${at}/response`,
      detail: 'an edit needs the response to deliver, and null is none',
    });
  }
  if (faults.length > 0) {
    throw new DomainError(
      'invalid_request',
      `${faults.map((fault) => `${fault.pointer}: ${fault.detail}`).join('. ')}.`,
      faults,
    );
  }
}
