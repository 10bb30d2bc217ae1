import { ApiProperty } from '@nestjs/swagger';
import {
  isJobId,
  type FailureReason,
  type Job,
  type JobStatus,
  type JsonText,
  type ListedJob,
  type Usage,
} from '@hitl/domain';
import {
  BooleanField,
  EnumField,
  IntegerField,
  JsonField,
  JsonObjectField,
  MetadataField,
  NumberField,
  ObjectField,
  TextField,
  TimeField,
  UuidField,
} from '../http/fields';
import { CursorField, ListField } from '../http/list-fields';
import { LimitField, Page } from '../http/page';

const CHAT_PAYLOAD = {
  model: 'meta-llama/Meta-Llama-3-70B-Instruct',
  messages: [{ role: 'user', content: 'Hello!' }],
};

export class SubmitJob {
  @JsonField({ description: 'Any JSON. It reaches the model as it is.', example: CHAT_PAYLOAD })
  payload: JsonText;

  @MetadataField({
    description: 'Texts of your own, kept with the job: at most 64, values up to 1,024 characters.',
    optional: true,
    nullable: true,
    example: { customer: '4711' },
  })
  metadata?: Record<string, string> | null;

  @IntegerField({
    description: 'Orders what humans see first: 9 is most urgent.',
    min: 0,
    max: 9,
    default: 0,
    optional: true,
    nullable: true,
  })
  priority?: number | null;

  @TextField({
    description: 'Notified by a signed webhook when the job has ended.',
    format: 'uri',
    max: 2048,
    optional: true,
    nullable: true,
  })
  callback_url?: string | null;

  @JsonObjectField({
    description: 'JSON Schema (2020-12) that the response must satisfy when a human edits it.',
    optional: true,
    nullable: true,
    example: { type: 'object', required: ['choices'] },
  })
  response_schema?: JsonText;
}

/** Which jobs to list. */
export class ListJobs {
  @LimitField()
  limit: number;

  @CursorField(isId)
  cursor?: string;

  @EnumField('JobStatus', { anyCase: true, optional: true })
  status?: JobStatus;
}

function isId(value: unknown): boolean {
  return typeof value === 'string' && isJobId(value);
}

export class UsageDto {
  @IntegerField()
  prompt_tokens: number;

  @IntegerField()
  completion_tokens: number;

  @IntegerField()
  total_tokens: number;

  @NumberField({ optional: true, description: 'In the currency of the configured prices.' })
  cost?: number;
}

export class Failure {
  @EnumField('FailureReason', {
    description: 'inference_failed: the model returned no response. rejected: a human refused it.',
  })
  reason: FailureReason;

  @TextField({ nullable: true, description: 'What went wrong, for people.' })
  detail: string | null;
}

export class JobDto {
  @UuidField({ example: '019a9f3e-5c1c-7b8a-9d2e-3f4a5b6c7d8e' })
  id: string;

  @EnumField('JobStatus', {
    description: 'bot: waits for the model. human: waits for a person. success and fail are final.',
  })
  status: JobStatus;

  @JsonField({ description: 'What was submitted.', example: CHAT_PAYLOAD })
  payload: JsonText;

  @JsonField({
    description:
      'The response. On /v1/jobs null until a human has approved it; on /v1/reviews the one to judge.',
  })
  response: JsonText | null;

  @ObjectField(Failure, { nullable: true, description: 'Set in fail.' })
  failure: Failure | null;

  @IntegerField({ min: 0, description: 'The number of the current response, 0 before the first.' })
  revision: number;

  @BooleanField({ description: 'Whether a human has changed the response.' })
  edited: boolean;

  @ObjectField(UsageDto, {
    nullable: true,
    description:
      'What the model has used so far, as far as it said. On /v1/jobs null until a human has approved the response.',
  })
  usage: Usage | null;

  @TextField({ nullable: true })
  callback_url: string | null;

  @IntegerField({ description: 'How often the model was called.' })
  attempts: number;

  @IntegerField({ min: 0, max: 9 })
  priority: number;

  @ApiProperty({ type: 'object', additionalProperties: { type: 'string' } })
  metadata: Record<string, string>;

  @TimeField()
  created_at: string;

  @TimeField()
  updated_at: string;

  @TimeField({ nullable: true })
  finished_at: string | null;

  @TimeField({
    nullable: true,
    description:
      'When what the job was about was erased; since then payload and response are null, and metadata is empty. null: it was not.',
  })
  erased_at: string | null;
}

export class EraseJob {
  @TextField({
    description: 'Why, for those who audit',
    min: 1,
    max: 1000,
    example: 'Request of the data subject',
  })
  reason: string;
}

export class JobPage extends Page {
  @ListField(JobDto)
  data: JobDto[];
}

/** Why a job has failed; null for any other. */
export function failureOf({
  failureReason,
  failureDetail,
}: Pick<Job, 'failureReason' | 'failureDetail'>): Failure | null {
  return failureReason && { reason: failureReason, detail: failureDetail };
}

/** A job as reviewers see it: with the response that is not approved yet. */
export function forReviewer(job: ListedJob): JobDto {
  return {
    id: job.id,
    status: job.status,
    payload: job.payload,
    response: job.response,
    failure: failureOf(job),
    revision: job.revision,
    edited: job.edited,
    usage: job.usage,
    callback_url: job.callbackUrl,
    attempts: job.attempts,
    priority: job.priority,
    metadata: job.metadata,
    created_at: job.createdAt.toISOString(),
    updated_at: job.updatedAt.toISOString(),
    finished_at: job.finishedAt?.toISOString() ?? null,
    erased_at: job.erasedAt?.toISOString() ?? null,
  };
}

/** A job as its submitter sees it: the response, and how long it is, only once it is approved. */
export function forSubmitter(job: ListedJob): JobDto {
  const isApproved = job.status === 'success';
  return Object.assign(forReviewer(job), {
    response: isApproved ? job.response : null,
    usage: isApproved ? job.usage : null,
  });
}

/** The entity tag of a job: its revision, so that a decision can name what it judges. */
export function etagOf(job: { revision: number }): string {
  return `"${job.revision}"`;
}
