import { Injectable } from '@nestjs/common';
import { Every } from '@hitl/background';
import type { Config } from '@hitl/config';
import { DeskReader, EVERY_PROJECT, JobReader, JobStore } from '@hitl/domain';
import { InferenceRequested, OutboxRelay } from '@hitl/messaging';
import { metrics } from '@hitl/observability';
import { ReviewPlanner } from '../policies/review-planner.service';

/** Jobs that one look rings for at most. */
const JOBS_PER_LOOK = 200;
/** Messages in the queue of the workers beyond which nobody is rung for again. */
const MAX_QUEUED = 1000;
/** How long the message of a new answer may take before its job is planned without it, in milliseconds. */
const UNPLANNED_MS = 5000;
/** How often the counts of what waits are added up, in milliseconds. */
const ADD_UP_INTERVAL_MS = 2000;

/**
 * Rings for jobs in `bot` that nobody works on: their back-off is over, their worker died, or their message was
 * lost with a broker. The same for answers in `human` that the policy has not seen. Runs on every replica; no two
 * take the same job.
 */
@Injectable()
export class Reconciler {
  /** Whether the last look found something to ring for. */
  private rang = false;

  constructor(
    private readonly store: JobStore,
    private readonly jobs: JobReader,
    private readonly reader: DeskReader,
    private readonly planner: ReviewPlanner,
    private readonly outbox: OutboxRelay,
  ) {}

  /** Returns how many jobs it rang for or planned. */
  @Every((config: Config) => config.RECONCILE_INTERVAL_MS)
  async look(): Promise<number> {
    return (await this.ring()) + (await this.planForgotten());
  }

  @Every(ADD_UP_INTERVAL_MS)
  async addUpWaiting(): Promise<void> {
    await this.store.addUpWaiting();
  }

  private async ring(): Promise<number> {
    // Where many messages wait, those of the overdue jobs are among them: more would only make the queue longer.
    if (this.rang && !(await this.outbox.isShort(InferenceRequested.pattern, MAX_QUEUED))) return 0;
    const bells = await this.store.kickOverdue(JOBS_PER_LOOK);
    this.rang = bells.length > 0;
    this.outbox.ring(...bells);
    metrics.jobsKicked.inc(bells.length);
    return bells.length;
  }

  private async planForgotten(): Promise<number> {
    if (!this.planner.configured) return 0;
    const forgotten = await this.reader.unplanned(UNPLANNED_MS, JOBS_PER_LOOK);
    for (const { id } of forgotten) {
      const job = await this.jobs.find(EVERY_PROJECT, id);
      if (job?.status === 'human' && job.plannedAt === null) await this.planner.apply(job);
    }
    return forgotten.length;
  }
}
