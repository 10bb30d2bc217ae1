import { Injectable, Logger } from '@nestjs/common';
import {
  DomainError,
  JobReader,
  JobStore,
  submittedJob,
  type CurrentJob,
  type Job,
  type JobStatus,
  type Json,
  type NewJob,
} from '@hitl/domain';
import { ChangeAnnouncer, COMMAND_LIFETIME_MS, OutboxRelay } from '@hitl/messaging';
import { metrics } from '@hitl/observability';
import { v7 as uuidv7 } from 'uuid';
import { requireSameRequest, type Idempotency } from '../http/idempotency';
import { WaitingJobs } from './waiting-jobs.service';

/** What a submitter asks for. */
export interface Submission {
  payload: Json;
  metadata?: Record<string, string>;
  priority?: number;
  callbackUrl?: string | null;
  /** JSON Schema that an edited response must satisfy. */
  responseSchema?: Json;
  idempotency?: Idempotency | null;
}

/** A job, and whether it was there already under the same idempotency key. */
export interface Accepted {
  job: Job;
  replayed: boolean;
}

/** The tenant of every job until sign-in knows better. */
export const PROJECT = 'default';

@Injectable()
export class JobsService {
  private readonly logger = new Logger(JobsService.name);

  constructor(
    private readonly store: JobStore,
    private readonly reader: JobReader,
    private readonly outbox: OutboxRelay,
    private readonly changes: ChangeAnnouncer,
    private readonly waitingJobs: WaitingJobs,
  ) {}

  /**
   * Resolves once the job is durable.
   * @throws DomainError too_many_jobs, idempotency_conflict
   */
  async submit(submission: Submission, actor: string): Promise<Accepted> {
    const {
      payload,
      metadata = {},
      priority = 0,
      callbackUrl = null,
      responseSchema = null,
      idempotency = null,
    } = submission;
    const newJob: NewJob = {
      id: uuidv7(),
      project: PROJECT,
      payload,
      metadata,
      priority,
      actor,
      callbackUrl,
      responseSchema,
      idempotency,
    };
    this.waitingJobs.admit();
    const submitted = await this.store.submit(newJob);
    if (!submitted) return { job: await this.earlier(idempotency), replayed: true };
    this.outbox.ring(submitted.bell);
    metrics.jobsSubmitted.inc();
    this.logger.debug({ jobId: newJob.id, message: 'submitted' });
    const job = submittedJob(newJob, submitted.createdAt);
    return { job, replayed: false };
  }

  /** @throws DomainError job_not_found */
  async get(id: string): Promise<Job> {
    const job = await this.reader.find(id);
    if (!job) throw notFound(id);
    return job;
  }

  /** The id of a job as the database has it, without reading the job. @throws DomainError job_not_found */
  async idOf(id: string): Promise<string> {
    return (await this.current(id)).id;
  }

  /** What waits right now, without reading the job. @throws DomainError job_not_found */
  async current(id: string): Promise<CurrentJob> {
    const current = await this.reader.current(id);
    if (!current) throw notFound(id);
    return current;
  }

  /** Newest first. */
  newest(page: { status?: JobStatus; before?: string; limit: number }): Promise<Job[]> {
    return this.reader.newest(page);
  }

  /** Oldest first. */
  oldest(page: { status?: JobStatus; offset: number; limit: number }): Promise<Job[]> {
    return this.reader.oldest(page);
  }

  /** @throws DomainError job_not_found, already_final */
  async cancel(id: string, actor: string): Promise<Job> {
    const job = await this.current(id);
    const cancelled = await this.store.cancel(job.id, actor, { deadline: deadlineOf(job.asOf) });
    const now = await this.get(job.id);
    if (!cancelled && now.finishedAt === null) {
      throw new DomainError('unavailable', `Job ${job.id} was not cancelled in time. Try again.`);
    }
    if (!cancelled) {
      throw new DomainError('already_final', `Job ${job.id} has ended already: it is in '${now.status}'.`);
    }
    this.changes.announce(job.id, 'fail');
    this.logger.log({ jobId: job.id, message: 'cancelled' });
    return now;
  }

  /** The job that has the key. @throws DomainError idempotency_conflict when it came with another request */
  private async earlier(idempotency: Idempotency | null): Promise<Job> {
    const job = idempotency && (await this.reader.findByKey(PROJECT, idempotency.key));
    if (!job) throw new Error('a job that was not stored has no earlier one either');
    return requireSameRequest(job, idempotency);
  }
}

/** Until when a command may take effect whose sender looked at the clock just now. */
export function deadlineOf(asOf: Date): string {
  return new Date(asOf.getTime() + COMMAND_LIFETIME_MS).toISOString();
}

function notFound(id: string): DomainError {
  return new DomainError('job_not_found', `There is no job with the id ${JSON.stringify(id.slice(0, 64))}.`);
}
