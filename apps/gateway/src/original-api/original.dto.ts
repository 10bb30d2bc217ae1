import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { JOB_STATUSES, type ExactJob, type JobStatus, type JsonText } from '@hitl/domain';
import { Failure, failureOf } from '../jobs/job.dto';
import { ApiJson } from '../openapi/any-json';

/** A job as the original system answered it. */
export class OriginalJob {
  @ApiProperty({ example: '019a9f3e-5c1c-7b8a-9d2e-3f4a5b6c7d8e' })
  job_id: string;

  @ApiProperty({ enum: JOB_STATUSES, enumName: 'JobStatus', description: 'In lower case.' })
  status: JobStatus;

  @ApiJson({ description: 'What was submitted.' })
  payload: JsonText;

  @ApiJson({ description: 'Shown in human, too: the original’s reviewers use this route.' })
  response: JsonText | null;

  @ApiProperty({
    format: 'date-time',
    description: 'To the microsecond.',
    example: '2026-01-31T09:00:00.123456Z',
  })
  created_at: string;

  @ApiPropertyOptional({ type: Failure, description: 'Only in fail: the original had nothing to say why.' })
  failure?: Failure;
}

export class Enqueued {
  @ApiProperty({ enum: ['success'] })
  status: 'success';

  @ApiProperty()
  job_id: string;
}

export class Reviewed {
  @ApiProperty({ enum: ['success'] })
  status: 'success';
}

export class ReviewJob {
  @ApiProperty({ minLength: 1 })
  id: string;

  @ApiProperty({
    enum: JOB_STATUSES,
    enumName: 'JobStatus',
    description:
      'In any letter case. success delivers, fail rejects, bot asks the model again, also for a job that it failed; human keeps the changes.',
  })
  status: JobStatus;

  @ApiJson({ description: 'The output as the human edited it.', required: false })
  response?: JsonText;

  @ApiJson({ description: 'The input; with bot a new answer is generated from it.', required: false })
  payload?: JsonText;
}

export function toOriginal(job: ExactJob): OriginalJob {
  const failure = failureOf(job);
  return {
    job_id: job.id,
    status: job.status,
    payload: job.payload,
    response: job.response,
    created_at: job.createdAtMicros,
    ...(failure && { failure }),
  };
}
