import { Injectable, Logger } from '@nestjs/common';
import { DomainError, JobReader, JobStore, type Job, type JobStatus, type Json } from '@hitl/domain';
import { OutboxRelay } from '@hitl/messaging';
import { metrics } from '@hitl/observability';
import { v7 as uuidv7 } from 'uuid';

/** What a submitter asks for. */
export interface Submission {
  payload: Json;
  metadata?: Record<string, string>;
  priority?: number;
}

@Injectable()
export class JobsService {
  private readonly logger = new Logger(JobsService.name);

  constructor(
    private readonly store: JobStore,
    private readonly reader: JobReader,
    private readonly outbox: OutboxRelay,
  ) {}

  /** Resolves once the job is durable. */
  async submit({ payload, metadata = {}, priority = 0 }: Submission, actor: string): Promise<Job> {
    const id = uuidv7();
    const { createdAt, bell } = await this.store.submit({ id, payload, metadata, priority, actor });
    this.outbox.ring(bell);
    metrics.jobsSubmitted.inc();
    this.logger.debug({ jobId: id, message: 'submitted' });
    return {
      id,
      status: 'bot',
      payload,
      response: null,
      revision: 0,
      attempts: 0,
      roundAttempts: 0,
      priority,
      metadata,
      feedback: [],
      failureReason: null,
      failureDetail: null,
      leaseToken: null,
      leaseUntil: null,
      nextKickAt: null,
      kicks: 0,
      createdAt,
      updatedAt: createdAt,
      finishedAt: null,
    };
  }

  /** @throws DomainError job_not_found */
  async get(id: string): Promise<Job> {
    const job = await this.reader.find(id);
    if (!job)
      throw new DomainError(
        'job_not_found',
        `There is no job with the id ${JSON.stringify(id.slice(0, 64))}.`,
      );
    return job;
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
    const job = await this.get(id);
    const cancelled = await this.store.cancel(job.id, actor);
    const now = await this.get(job.id);
    if (!cancelled) {
      throw new DomainError('already_final', `Job ${job.id} has ended already: it is in '${now.status}'.`);
    }
    this.logger.log({ jobId: job.id, message: 'cancelled' });
    return now;
  }
}
