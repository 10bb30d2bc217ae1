import { Injectable, Logger } from '@nestjs/common';
import { Every } from '@hitl/background';
import { Config, retentionDays } from '@hitl/config';
import { ErasureStore, isDatabaseTrouble, isStatementTimeout } from '@hitl/domain';

/** How often jobs are looked for whose time is over, in milliseconds; what one look leaves, the next one takes at once. */
const LOOK_INTERVAL_MS = 600_000;
/** Jobs of a project that one statement erases: each may have megabytes. */
const JOBS_PER_LOOK = 25;
/** Jobs that cannot be erased, and are left alone until this process starts anew. */
const MAX_LEFT = 1000;

/**
 * Erases the contents of jobs that ended as long ago as RETENTION_DAYS says. What is done is in the database, so it goes on
 * where it was stopped; runs on every replica, and no two erase the same job.
 */
@Injectable()
export class Retention {
  private readonly logger = new Logger(Retention.name);
  private readonly left = new Set<string>();

  constructor(
    private readonly store: ErasureStore,
    private readonly config: Config,
  ) {}

  /** Returns how many jobs it erased. */
  @Every(LOOK_INTERVAL_MS)
  async look(): Promise<number> {
    if (this.config.RETENTION_DAYS === undefined) return 0;
    let erased = 0;
    for (const project of await this.store.projects()) {
      const days = retentionDays(this.config, project);
      if (days !== null) erased += await this.eraseOlder(project, days);
    }
    return erased;
  }

  private async eraseOlder(project: string, days: number): Promise<number> {
    const ids = await this.store.olderThan({ project }, days, JOBS_PER_LOOK, [...this.left]);
    if (ids.length === 0) return 0;
    const why = { actor: 'desk', reason: `RETENTION_DAYS: it ended ${days} days ago` };
    try {
      const erased = await this.store.eraseAll(ids, why);
      if (erased > 0) this.logger.log({ project, jobs: erased, days, message: 'contents erased' });
      return erased;
    } catch (error) {
      if (isPassing(error)) throw error;
      // One that cannot be erased must not keep the others.
      let erased = 0;
      for (const id of ids) erased += await this.eraseAlone(id, why);
      return erased;
    }
  }

  private async eraseAlone(jobId: string, why: { actor: string; reason: string }): Promise<number> {
    try {
      return await this.store.eraseAll([jobId], why);
    } catch (error) {
      if (isPassing(error)) throw error;
      if (this.left.size < MAX_LEFT) this.left.add(jobId);
      this.logger.error({ jobId, err: error, message: 'the contents of a job were not erased' });
      return 0;
    }
  }
}

/** Whether the database is at fault, and not what it was asked for. */
function isPassing(error: unknown): boolean {
  return isDatabaseTrouble(error) && !isStatementTimeout(error);
}
