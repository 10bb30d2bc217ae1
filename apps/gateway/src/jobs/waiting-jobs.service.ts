import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Config } from '@hitl/config';
import { DomainError, JobReader } from '@hitl/domain';
import { every, type Repetition } from '@hitl/messaging';

/** How often the jobs are counted, in milliseconds; in between the gateway adds what it accepts. */
const COUNT_INTERVAL_MS = 1000;

/** Keeps the number of jobs that wait for the model within MAX_WAITING_JOBS, to about a second's worth. */
@Injectable()
export class WaitingJobs implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(WaitingJobs.name);
  private waiting = 0;
  /** Those of them that were let in since the last count began. */
  private uncounted = 0;
  private counting?: Repetition;

  constructor(
    private readonly reader: JobReader,
    private readonly config: Config,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.count();
    this.counting = every(COUNT_INTERVAL_MS, () => this.count(), this.logger);
  }

  async onModuleDestroy(): Promise<void> {
    await this.counting?.stop();
  }

  /** Makes room for one more job. @throws DomainError too_many_jobs */
  admit(): void {
    if (this.waiting >= this.config.MAX_WAITING_JOBS) {
      throw new DomainError(
        'too_many_jobs',
        `${this.config.MAX_WAITING_JOBS} jobs wait for the model (MAX_WAITING_JOBS). Nothing was stored; try again later.`,
      );
    }
    this.waiting += 1;
    this.uncounted += 1;
  }

  private async count(): Promise<number> {
    this.uncounted = 0;
    const counted = await this.reader.countWaiting(this.config.MAX_WAITING_JOBS);
    this.waiting = counted + this.uncounted;
    return 0;
  }
}
