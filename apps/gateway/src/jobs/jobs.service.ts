import { Injectable, Logger } from '@nestjs/common';
import {
  DomainError,
  ErasureStore,
  JobLists,
  JobReader,
  JobStore,
  submittedJob,
  type Caller,
  type CurrentJob,
  type ExactJob,
  type Job,
  type JobStatus,
  type ListedJob,
  type NewJob,
  type Scope,
  type UnreadPage,
} from '@hitl/domain';
import { ChangeAnnouncer, COMMAND_LIFETIME_MS, OutboxRelay } from '@hitl/messaging';
import { metrics } from '@hitl/observability';
import { v7 as uuidv7 } from 'uuid';
import { requireSameRequest, type Idempotency } from '../http/idempotency';
import { UnreadResponses } from '../http/unread-responses';
import { WaitingJobs } from './waiting-jobs.service';

/** What a submitter asks for. A job has its defaults for what is left out or null. */
export type Submission = Pick<NewJob, 'payload'> &
  Partial<Omit<NewJob, 'project' | 'actor' | 'metadata' | 'priority'>> & {
    metadata?: NewJob['metadata'] | null;
    priority?: NewJob['priority'] | null;
  };

/** A job, and whether it was there already under the same idempotency key or id. */
export interface Accepted {
  job: Job;
  replayed: boolean;
}

/** How long a large job may wait until it is read, in milliseconds: few are at a time. */
const MAX_READ_WAIT_MS = 10_000;

@Injectable()
export class JobsService {
  private readonly logger = new Logger(JobsService.name);

  constructor(
    private readonly store: JobStore,
    private readonly erasures: ErasureStore,
    private readonly reader: JobReader,
    private readonly lists: JobLists,
    private readonly outbox: OutboxRelay,
    private readonly changes: ChangeAnnouncer,
    private readonly waitingJobs: WaitingJobs,
    private readonly unread: UnreadResponses,
  ) {}

  /**
   * Resolves once the job is durable.
   * @throws DomainError too_many_jobs, idempotency_conflict
   */
  async submit(submission: Submission, { name: actor, project }: Caller): Promise<Accepted> {
    const newJob: NewJob = {
      ...submission,
      id: submission.id ?? uuidv7(),
      project,
      actor,
      metadata: submission.metadata ?? {},
      priority: submission.priority ?? 0,
      callbackUrl: submission.callbackUrl ?? null,
      responseSchema: submission.responseSchema ?? null,
      idempotency: submission.idempotency ?? null,
    };
    this.waitingJobs.admit();
    const submitted = await this.store.submit(newJob);
    if (!submitted) {
      const scope = { project };
      const job = newJob.idempotency
        ? await this.earlier(scope, newJob.idempotency)
        : await this.get(scope, newJob.id);
      return { job, replayed: true };
    }
    this.outbox.ring(submitted.bell);
    metrics.jobsSubmitted.inc();
    this.logger.debug({ jobId: newJob.id, message: 'submitted' });
    const job = submittedJob(newJob, submitted.createdAt);
    return { job, replayed: false };
  }

  /** The job with this id; null when there is none. @throws DomainError unavailable while too many large ones are read */
  find(scope: Scope, id: string): Promise<Job | null> {
    return this.reader.find(scope, id, MAX_READ_WAIT_MS, this.unread);
  }

  /** @throws DomainError job_not_found */
  async get(scope: Scope, id: string): Promise<Job> {
    const job = await this.find(scope, id);
    if (!job) throw notFound(id);
    return job;
  }

  /** The id of a job as the database has it, without reading the job. @throws DomainError job_not_found */
  async idOf(scope: Scope, id: string): Promise<string> {
    return (await this.current(scope, id)).id;
  }

  /** What waits right now, without reading the job. @throws DomainError job_not_found */
  async current(scope: Scope, id: string): Promise<CurrentJob> {
    const current = await this.reader.current(scope, id);
    if (!current) throw notFound(id);
    return current;
  }

  /** Newest first. There may be fewer than `limit` although `next` is not null. */
  newest(
    scope: Scope,
    page: { status?: JobStatus; before?: string; limit: number },
  ): Promise<UnreadPage<ListedJob, string>> {
    return this.lists.newest(scope, page);
  }

  /** Oldest first, in parts that fit into memory. */
  oldest(
    scope: Scope,
    page: { status?: JobStatus; offset: number; limit: number },
  ): Promise<UnreadPage<ExactJob, never>[]> {
    return this.lists.oldest(scope, page);
  }

  /** A job with the moment of its submission to the microsecond. @throws DomainError job_not_found */
  async getExact(scope: Scope, id: string): Promise<ExactJob> {
    const small = await this.lists.exactUnlessLarge(scope, id);
    if (small) return small;
    const job = await this.get(scope, id);
    return Object.assign({}, job, { createdAtMicros: await this.reader.createdAtMicros(job.id) });
  }

  /** @throws DomainError job_not_found, already_final */
  async cancel(caller: Caller, id: string): Promise<Job> {
    const job = await this.current(caller, id);
    const cancelled = await this.store.cancel(caller, job.id, caller.name, {
      deadline: deadlineOf(job.asOf),
    });
    const now = await this.get(caller, job.id);
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

  /** Erases what a job was about, for good; what is left of it is the same however often. @throws DomainError job_not_found, not_final */
  async erase(caller: Caller, id: string, reason: string): Promise<Job> {
    const { id: jobId, status } = await this.current(caller, id);
    if (await this.erasures.erase(caller, jobId, { actor: caller.name, reason })) {
      this.changes.announce(jobId, status);
      this.logger.log({ jobId, by: caller.name, message: 'contents erased' });
    }
    const job = await this.get(caller, jobId);
    if (job.erasedAt === null) {
      throw new DomainError(
        'not_final',
        `Job ${jobId} has not ended: it is in '${job.status}'. Cancel it, or wait for its end, and erase it then.`,
      );
    }
    return job;
  }

  /** The job that has the key. @throws DomainError idempotency_conflict when it came with another request */
  private async earlier(scope: Scope, idempotency: Idempotency): Promise<Job> {
    const job = await this.reader.findByKey(scope, idempotency.key);
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
