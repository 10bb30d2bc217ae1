import { ApiProperty } from '@nestjs/swagger';
import {
  isJobId,
  isJsonObject,
  type Job,
  type JsonText,
  type Obstacle,
  type OnDeadline,
  type ReviewPosition,
} from '@hitl/domain';
import { BooleanField, CursorField, EnumField, JsonField } from '../http/fields';
import { LimitField, Page } from '../http/page';
import { forReviewer, JobDto } from '../jobs/job.dto';
import { RemarksDto } from './remarks.dto';
import { ApiObstacle, toWaiting, WaitingReview } from './waiting.dto';

class ReviewState extends WaitingReview {
  @ApiProperty({ description: 'Whether the policy has said who must review' })
  planned: boolean;

  @ApiProperty({ type: String, nullable: true })
  policy_hash: string | null;

  @ApiProperty({ description: 'Whether the submitter may not review it' })
  four_eyes: boolean;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  remind_at: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  escalate_at: string | null;

  @ApiProperty({ type: String, nullable: true })
  escalate_to: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  escalated_at: string | null;

  @EnumField('OnDeadline', { nullable: true, description: 'What happens at the deadline' })
  on_deadline: OnDeadline | null;

  @ApiProperty({ type: 'integer', description: 'How often it was sent back to the model' })
  regenerations: number;
}

class AnswerViolation {
  @ApiProperty({
    description: 'JSON pointer to the part of the job that is meant',
    example: '/response/choices/0/message/content',
  })
  pointer: string;

  @ApiProperty({
    description: 'What is wrong with it, or why it could not be checked',
    example: 'must be JSON',
  })
  detail: string;
}

class RegenerationFailed {
  @ApiProperty({ description: 'Why the model returned no other response' })
  detail: string;

  @ApiProperty({ format: 'date-time' })
  at: string;

  @ApiProperty({ description: 'Who had asked for it' })
  by: string;

  @ApiProperty({ type: String, nullable: true, description: 'What they had asked for' })
  feedback: string | null;
}

/** A job as reviewers see it. */
export class ReviewDto extends JobDto {
  @ApiProperty()
  submitter: string;

  @ApiProperty({ type: String, nullable: true, description: 'The model that the payload asks for' })
  model: string | null;

  @JsonField({ description: "The model's own response, where a human has changed it; else null." })
  model_response: JsonText | null;

  @JsonField({ description: 'The JSON Schema that an edited response must satisfy; null: any.' })
  response_schema: JsonText | null;

  @JsonField({ description: 'What the submitter sent, where a human has changed the payload; else null.' })
  original_payload: JsonText | null;

  @ApiProperty({
    type: [AnswerViolation],
    description:
      'How the response breaks what the request asks for (its schema, tools, form), and what could not be checked',
  })
  response_violations: AnswerViolation[];

  @ApiProperty({
    type: RegenerationFailed,
    nullable: true,
    description:
      'The model returned no other response when it was last asked for one: the earlier one waits again.',
  })
  regeneration_failed: RegenerationFailed | null;

  @ApiProperty({ type: [String], description: 'What the model was asked to do differently, oldest first' })
  feedback: string[];

  @ApiProperty({ type: ReviewState })
  review: ReviewState;

  @ApiObstacle()
  not_decidable_because: Obstacle | null;
}

/** A job as the reviewer who asks for it sees it. */
export class OpenReviewDto extends ReviewDto {
  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    description: 'When your draft for it was saved; null: you have none.',
  })
  draft_saved_at: string | null;

  @ApiProperty({ type: RemarksDto, description: 'What people have said about it' })
  remarks: RemarksDto;
}

/** The list's filter for what the reviewer who asks may decide on. */
export const DecidableField = (): PropertyDecorator =>
  BooleanField({
    description: 'true: only what you may approve or reject now',
    optional: true,
  });

/** Whether a cursor of waiting jobs is one. */
export function isReviewPosition(value: unknown): boolean {
  return (
    isJsonObject(value) &&
    Number.isInteger(value.priority) &&
    Math.abs(Number(value.priority)) < 100 &&
    typeof value.id === 'string' &&
    isJobId(value.id)
  );
}

/** Which jobs that wait to list. */
export class ListReviews {
  @DecidableField()
  decidable?: boolean;

  @LimitField()
  limit: number;

  @CursorField(isReviewPosition)
  cursor?: ReviewPosition;
}

export class ReviewPage extends Page {
  @ApiProperty({ type: [ReviewDto] })
  data: ReviewDto[];
}

export function toReview(job: Job, obstacle: Obstacle | null): ReviewDto {
  return Object.assign(forReviewer(job), {
    submitter: job.submitter,
    model: job.model,
    model_response: job.modelResponse,
    response_schema: job.responseSchema,
    original_payload: job.originalPayload,
    response_violations: job.responseViolations ?? [],
    regeneration_failed: job.regenerationFailed,
    feedback: job.feedback,
    review: stateOf(job),
    not_decidable_because: obstacle,
  });
}

function stateOf(job: Job): ReviewState {
  const time = (at: Date | null): string | null => at?.toISOString() ?? null;
  return Object.assign(toWaiting(job), {
    planned: job.plannedAt !== null,
    policy_hash: job.policyHash,
    four_eyes: job.fourEyes,
    remind_at: time(job.remindAt),
    escalate_at: time(job.escalateAt),
    escalate_to: job.escalateTo,
    escalated_at: time(job.escalatedAt),
    on_deadline: job.onDeadline,
    regenerations: job.regenerations,
  });
}
