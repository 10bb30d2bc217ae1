import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import {
  FAILURE_REASONS,
  JOB_STATUSES,
  type FailureReason,
  type Job,
  type JobStatus,
  type JsonText,
  type ListedJob,
  type Usage,
} from '@hitl/domain';
import { IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { ApiJson } from '../openapi/any-json';
import { IsMetadata, IsPresent } from '../http/validate';

/** As {@link IsMetadata} checks it. */
const METADATA = {
  type: 'object',
  maxProperties: 64,
  propertyNames: { maxLength: 64 },
  additionalProperties: { type: 'string', maxLength: 1024 },
} as const;

const CHAT_PAYLOAD = {
  model: 'meta-llama/Meta-Llama-3-70B-Instruct',
  messages: [{ role: 'user', content: 'Hello!' }],
};

export class SubmitJob {
  @ApiJson({ description: 'Any JSON. It reaches the model as it is.', example: CHAT_PAYLOAD })
  @IsPresent()
  payload: JsonText;

  @ApiPropertyOptional({
    description: 'Texts of your own, kept with the job: at most 64, values up to 1,024 characters.',
    ...METADATA,
    nullable: true,
    example: { customer: '4711' },
  })
  @IsOptional()
  @IsMetadata()
  metadata?: Record<string, string> | null;

  @ApiPropertyOptional({
    description: 'Orders what humans see first: 9 is most urgent.',
    type: 'integer',
    minimum: 0,
    maximum: 9,
    default: 0,
    nullable: true,
  })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(9)
  priority?: number | null;

  @ApiPropertyOptional({
    description: 'Told by a signed webhook when the job has ended.',
    type: String,
    format: 'uri',
    maxLength: 2048,
    nullable: true,
  })
  @IsOptional()
  @IsString()
  @MaxLength(2048)
  callback_url?: string | null;

  @ApiPropertyOptional({
    description: 'JSON Schema (2020-12) that the answer must satisfy when a human edits it.',
    type: 'object',
    additionalProperties: true,
    nullable: true,
    example: { type: 'object', required: ['choices'] },
  })
  @IsOptional()
  response_schema?: JsonText;
}

export class UsageDto {
  @ApiProperty({ type: 'integer' })
  prompt_tokens: number;

  @ApiProperty({ type: 'integer' })
  completion_tokens: number;

  @ApiProperty({ type: 'integer' })
  total_tokens: number;

  @ApiPropertyOptional({ description: 'In the currency of the configured prices.' })
  cost?: number;
}

export class Failure {
  @ApiProperty({
    enum: FAILURE_REASONS,
    enumName: 'FailureReason',
    description: 'inference_failed: the model gave no answer. rejected: a human refused it.',
  })
  reason: FailureReason;

  @ApiProperty({ description: 'What went wrong, for people.', type: String, nullable: true })
  detail: string | null;
}

export class JobDto {
  @ApiProperty({ format: 'uuid', example: '019a9f3e-5c1c-7b8a-9d2e-3f4a5b6c7d8e' })
  id: string;

  @ApiProperty({
    enum: JOB_STATUSES,
    enumName: 'JobStatus',
    description: 'bot: waits for the model. human: waits for a person. success and fail are final.',
  })
  status: JobStatus;

  @ApiJson({ description: 'What was submitted.', example: CHAT_PAYLOAD })
  payload: JsonText;

  @ApiJson({
    description:
      'The answer. On /v1/jobs null until a human has approved it; on /v1/reviews the one to judge.',
  })
  response: JsonText | null;

  @ApiProperty({ type: Failure, nullable: true, description: 'Set in fail.' })
  failure: Failure | null;

  @ApiProperty({
    type: 'integer',
    minimum: 0,
    description: 'The number of the current answer, 0 before the first.',
  })
  revision: number;

  @ApiProperty({ description: 'Whether a human has changed the answer.' })
  edited: boolean;

  @ApiProperty({
    type: UsageDto,
    nullable: true,
    description:
      'What the model has used so far, as far as it said. On /v1/jobs null until a human has approved the answer.',
  })
  usage: Usage | null;

  @ApiProperty({ type: String, nullable: true })
  callback_url: string | null;

  @ApiProperty({ type: 'integer', description: 'How often the model was called.' })
  attempts: number;

  @ApiProperty({ type: 'integer', minimum: 0, maximum: 9 })
  priority: number;

  @ApiProperty({ type: 'object', additionalProperties: { type: 'string' } })
  metadata: Record<string, string>;

  @ApiProperty({ format: 'date-time' })
  created_at: string;

  @ApiProperty({ format: 'date-time' })
  updated_at: string;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  finished_at: string | null;
}

/** Whether and where a list goes on. */
export class Page {
  @ApiProperty()
  has_more: boolean;

  @ApiProperty({ type: String, nullable: true, description: 'Pass it as cursor to go on.' })
  next_cursor: string | null;
}

export class JobPage extends Page {
  @ApiProperty({ type: [JobDto] })
  data: JobDto[];
}

/** Why a job has failed; null for any other. */
export function failureOf({
  failureReason,
  failureDetail,
}: Pick<Job, 'failureReason' | 'failureDetail'>): Failure | null {
  return failureReason && { reason: failureReason, detail: failureDetail };
}

/** A job as reviewers see it: with the answer that nobody has approved yet. */
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
  };
}

/** A job as its submitter sees it: the answer, and how long it is, only once it is approved. */
export function forSubmitter(job: ListedJob): JobDto {
  const isApproved = job.status === 'success';
  return Object.assign(forReviewer(job), {
    response: isApproved ? job.response : null,
    usage: isApproved ? job.usage : null,
  });
}

/** A page of at most `limit` jobs out of `limit + 1` that were read. */
export function toPage<Row, Dto>(
  jobs: Row[],
  limit: number,
  toDto: (job: Row) => Dto,
  cursorOf: (job: Row) => string,
): { data: Dto[]; has_more: boolean; next_cursor: string | null } {
  const shown = jobs.slice(0, limit);
  const last = shown.at(-1);
  const more = jobs.length > limit;
  return { data: shown.map(toDto), has_more: more, next_cursor: more && last ? cursorOf(last) : null };
}

/** The entity tag of a job: its revision, so that a decision can name what it judges. */
export function etagOf(job: { revision: number }): string {
  return `"${job.revision}"`;
}
