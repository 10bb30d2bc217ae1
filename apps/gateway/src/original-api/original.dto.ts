import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { JOB_STATUSES, type Job, type JobStatus, type Json } from '@hitl/domain';
import { ApiJson } from '../openapi/any-json';

/** A job as the original system answered it. */
export class OriginalJob {
  @ApiProperty({ example: '019a9f3e-5c1c-7b8a-9d2e-3f4a5b6c7d8e' })
  job_id: string;

  @ApiProperty({ enum: JOB_STATUSES, enumName: 'JobStatus', description: 'In lower case.' })
  status: JobStatus;

  @ApiJson({ description: 'What was submitted.' })
  payload: Json;

  @ApiJson({ description: 'Shown in human, too: the original’s reviewers use this route.' })
  response: Json;

  @ApiProperty({ format: 'date-time' })
  created_at: string;
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

  @ApiPropertyOptional({
    enum: JOB_STATUSES,
    enumName: 'JobStatus',
    description:
      'In any letter case. success delivers, fail rejects, bot asks the model again, human keeps the changes.',
  })
  status: JobStatus;

  @ApiJson({ description: 'The output as the human edited it.', required: false })
  response?: Json;

  @ApiJson({ description: 'The input; with bot a new answer is generated from it.', required: false })
  payload?: Json;
}

export function toOriginal(job: Job): OriginalJob {
  return {
    job_id: job.id,
    status: job.status,
    payload: job.payload,
    response: job.response,
    created_at: job.createdAt.toISOString(),
  };
}
