import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Config } from '@hitl/config';
import { JobStore } from '@hitl/domain';
import { every, OutboxRelay, type Repetition } from '@hitl/messaging';
import { metrics } from '@hitl/observability';

/** Jobs that one look rings for at most. */
const JOBS_PER_LOOK = 200;

/**
 * Rings for jobs in `bot` that nobody works on: their back-off is over, their worker died, or their message was
 * lost with a broker. Runs on every replica; no two take the same job.
 */
@Injectable()
export class Reconciler implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(Reconciler.name);
  private looking?: Repetition;

  constructor(
    private readonly store: JobStore,
    private readonly outbox: OutboxRelay,
    private readonly config: Config,
  ) {}

  onApplicationBootstrap(): void {
    this.looking = every(this.config.RECONCILE_INTERVAL_MS, () => this.look(), this.logger);
  }

  async onModuleDestroy(): Promise<void> {
    await this.looking?.stop();
  }

  private async look(): Promise<number> {
    const bells = await this.store.kickOverdue(JOBS_PER_LOOK);
    this.outbox.ring(...bells);
    metrics.jobsKicked.inc(bells.length);
    return bells.length;
  }
}
