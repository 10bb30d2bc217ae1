import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Every } from '@hitl/background';
import { Config } from '@hitl/config';
import { DomainError, JobReader } from '@hitl/domain';

/** How often the jobs are counted, in milliseconds; in between the gateway adds what it accepts. */
const COUNT_INTERVAL_MS = 1000;

/** Keeps the number of jobs that wait for the model within MAX_WAITING_JOBS, to about a second's worth. */
@Injectable()
export class WaitingJobs implements OnApplicationBootstrap {
  private waiting = 0;
  /** Those of them that were let in since the last count began. */
  private uncounted = 0;

  constructor(
    private readonly reader: JobReader,
    private readonly config: Config,
  ) {}

  /** Before the first job comes. */
  async onApplicationBootstrap(): Promise<void> {
    await this.count();
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

  @Every(COUNT_INTERVAL_MS)
  async count(): Promise<void> {
    this.uncounted = 0;
    const counted = await this.reader.countWaiting(this.config.MAX_WAITING_JOBS);
    this.waiting = counted + this.uncounted;
  }
}
