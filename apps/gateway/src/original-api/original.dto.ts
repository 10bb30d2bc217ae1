import { ApiProperty } from '@nestjs/swagger';
import { may, type Caller, type ExactJob, type JobStatus, type JsonText } from '@hitl/domain';
import { IgnoresUnknown } from '@hitl/shapes';
import { Failure, failureOf } from '../jobs/job.dto';
import { EnumField, IntegerField, JsonField, ObjectField, TextField, TimeField } from '../http/fields';
import { DEFAULT_PAGE } from '../http/page';

/** Jobs that one list has at most. */
const MAX_LIST = 1000;
/** Entries that an offset may pass over: beyond, the database would read them all for nothing. */
const MAX_OFFSET = 1_000_000;

/** Which job to read. */
@IgnoresUnknown()
export class AskJob {
  @TextField({ min: 1, nul: true, remedy: 'say which job: /job?id=…' })
  id: string;
}

/** Which jobs to list. */
@IgnoresUnknown()
export class AskJobs {
  @EnumField('JobStatus', {
    description: 'In any letter case',
    anyCase: true,
    optional: true,
  })
  status?: JobStatus;

  @IntegerField({
    description: `More than ${MAX_LIST} is taken for ${MAX_LIST}.`,
    min: 0,
    max: MAX_LIST,
    capped: true,
    optional: true,
    default: DEFAULT_PAGE,
  })
  limit: number;

  @IntegerField({ min: 0, max: MAX_OFFSET, optional: true, default: 0 })
  offset: number;
}

/** A job as the original system returned it. */
export class OriginalJob {
  @TextField({ example: '019a9f3e-5c1c-7b8a-9d2e-3f4a5b6c7d8e' })
  job_id: string;

  @EnumField('JobStatus', { description: 'In lower case.' })
  status: JobStatus;

  @JsonField({ description: 'What was submitted.' })
  payload: JsonText;

  @JsonField({
    description:
      'Shown in human, too, to who may review: the original’s reviewers use this route. Submitters see it once it is approved.',
  })
  response: JsonText | null;

  @TimeField({ description: 'To the microsecond.', example: '2026-01-31T09:00:00.123456Z' })
  created_at: string;

  @ObjectField(Failure, { optional: true, description: 'Only in fail: the original had nothing to say why.' })
  failure?: Failure;
}

export class Enqueued {
  @ApiProperty({ enum: ['success'] })
  status: 'success';

  @TextField()
  job_id: string;
}

export class Reviewed {
  @ApiProperty({ enum: ['success'] })
  status: 'success';
}

export class ReviewJob {
  @ApiProperty({ minLength: 1 })
  id: string;

  @EnumField('JobStatus', {
    description:
      'In any letter case. success delivers, fail rejects, bot asks the model again, also for a job that it failed; human keeps the changes.',
  })
  status: JobStatus;

  @JsonField({ description: 'The response as the human edited it.', optional: true })
  response?: JsonText;

  @JsonField({ description: 'The input; with bot a new response is generated from it.', optional: true })
  payload?: JsonText;
}

/** A job as its reader may see it. */
export function toOriginal(job: ExactJob, caller: Caller): OriginalJob {
  const failure = failureOf(job);
  const isShown = job.status === 'success' || may(caller, 'reviews:read');
  return {
    job_id: job.id,
    status: job.status,
    payload: job.payload,
    response: isShown ? job.response : null,
    created_at: job.createdAtMicros,
    ...(failure && { failure }),
  };
}
