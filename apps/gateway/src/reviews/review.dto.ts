import {
  isJobId,
  isJsonObject,
  type Job,
  type JsonText,
  type Obstacle,
  type OnDeadline,
  type ReviewPosition,
} from '@hitl/domain';
import {
  BooleanField,
  EnumField,
  IntegerField,
  JsonField,
  ObjectField,
  TextField,
  TimeField,
} from '../http/fields';
import { CursorField, ListField, TextsField } from '../http/list-fields';
import { LimitField, Page } from '../http/page';
import { forReviewer, JobDto } from '../jobs/job.dto';
import { RemarksDto } from './remarks.dto';
import { ApiObstacle, toWaiting, WaitingReview } from './waiting.dto';

class ReviewState extends WaitingReview {
  @BooleanField({ description: 'Whether the policy has said who must review' })
  planned: boolean;

  @TextField({ nullable: true })
  policy_hash: string | null;

  @BooleanField({ description: 'Whether the submitter may not review it' })
  four_eyes: boolean;

  @TimeField({ nullable: true })
  remind_at: string | null;

  @TimeField({ nullable: true })
  escalate_at: string | null;

  @TextField({ nullable: true })
  escalate_to: string | null;

  @TimeField({ nullable: true })
  escalated_at: string | null;

  @EnumField('OnDeadline', { nullable: true, description: 'What happens at the deadline' })
  on_deadline: OnDeadline | null;

  @IntegerField({ description: 'How often it was sent back to the model' })
  regenerations: number;
}

class AnswerViolation {
  @TextField({
    description: 'JSON pointer to the part of the job that is meant',
    example: '/response/choices/0/message/content',
  })
  pointer: string;

  @TextField({
    description: 'What is wrong with it, or why it could not be checked',
    example: 'must be JSON',
  })
  detail: string;
}

class RegenerationFailed {
  @TextField({ description: 'Why the model returned no other response' })
  detail: string;

  @TimeField()
  at: string;

  @TextField({ description: 'Who had asked for it' })
  by: string;

  @TextField({ nullable: true, description: 'What they had asked for' })
  feedback: string | null;
}

/** A job as reviewers see it. */
export class ReviewDto extends JobDto {
  @TextField()
  submitter: string;

  @TextField({ nullable: true, description: 'The model that the payload asks for' })
  model: string | null;

  @JsonField({ description: "The model's own response, where a human has changed it; else null." })
  model_response: JsonText | null;

  @JsonField({ description: 'The JSON Schema that an edited response must satisfy; null: any.' })
  response_schema: JsonText | null;

  @JsonField({ description: 'What the submitter sent, where a human has changed the payload; else null.' })
  original_payload: JsonText | null;

  @ListField(AnswerViolation, {
    description:
      'How the response breaks what the request asks for (its schema, tools, form), and what could not be checked',
  })
  response_violations: AnswerViolation[];

  @ObjectField(RegenerationFailed, {
    nullable: true,
    description:
      'The model returned no other response when it was last asked for one: the earlier one waits again.',
  })
  regeneration_failed: RegenerationFailed | null;

  @TextsField({ description: 'What the model was asked to do differently, oldest first' })
  feedback: string[];

  @ObjectField(ReviewState)
  review: ReviewState;

  @ApiObstacle()
  not_decidable_because: Obstacle | null;
}

/** A job as the reviewer who asks for it sees it. */
export class OpenReviewDto extends ReviewDto {
  @TimeField({ nullable: true, description: 'When your draft for it was saved; null: you have none.' })
  draft_saved_at: string | null;

  @ObjectField(RemarksDto, { description: 'What people have said about it' })
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
  @ListField(ReviewDto)
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
