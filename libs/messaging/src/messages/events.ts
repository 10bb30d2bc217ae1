import type { JobStatus } from '@hitl/domain';
import { IsArray, IsBoolean, IsUUID } from 'class-validator';
import { IsActor } from './is-actor';
import { IsProject } from './is-project';

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
