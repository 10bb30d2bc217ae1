import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { JobReader, type Job } from '@hitl/domain';
import { every, type Repetition } from '@hitl/messaging';

/** How often everybody who waits is looked after: deadlines, heartbeats. */
const ROUND_MS = 1000;
/** Rounds between two looks at the database, for changes that nobody told us of. */
const ROUNDS_PER_LOOK = 3;
/** Milliseconds between two signs of life to a client that waits. */
const HEARTBEAT_MS = 15_000;
/** Jobs that one statement looks at. */
const JOBS_PER_LOOK = 1000;

/** Why a wait ended. */
export type Ending = { job: Job } | 'timeout' | 'shutdown' | 'gone';

interface Waiter {
  jobId: string;
  until: number;
  nextBeat: number;
  beat?: () => void;
  end: (ending: Ending) => void;
}

/**
 * Where clients wait for a job to end. `job.changed` wakes them at once; one shared round looks after all of them,
 * so that ten thousand waiting clients cost one timer and a few statements.
 */
@Injectable()
export class WaitingRoom implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(WaitingRoom.name);
  private readonly waiters = new Map<string, Set<Waiter>>();
  private rounds?: Repetition;
  private round = 0;
  private closed = false;

  constructor(private readonly reader: JobReader) {}

  onApplicationBootstrap(): void {
    this.rounds = every(ROUND_MS, () => this.lookAfter(), this.logger);
  }

  async onModuleDestroy(): Promise<void> {
    this.close();
    await this.rounds?.stop();
  }

  /** How many clients wait. */
  get size(): number {
    let size = 0;
    for (const waiters of this.waiters.values()) size += waiters.size;
    return size;
  }

  /**
   * Waits until the job has ended, for `ms` at most.
   * @param gone ends the wait when the client has gone
   * @param beat called every 15 s while it waits
   */
  async untilEnded(
    jobId: string,
    { ms, gone, beat }: { ms: number; gone?: AbortSignal; beat?: () => void },
  ): Promise<Ending> {
    if (this.closed) return 'shutdown';
    if (gone?.aborted) return 'gone';
    const now = Date.now();
    let end!: Waiter['end'];
    const ended = new Promise<Ending>((resolve) => (end = resolve));
    const waiter: Waiter = { jobId, until: now + ms, nextBeat: now + HEARTBEAT_MS, beat, end };
    const waiters = this.waiters.get(jobId) ?? new Set();
    this.waiters.set(jobId, waiters.add(waiter));
    const leave = (): void => end('gone');
    gone?.addEventListener('abort', leave);
    try {
      // The job may have ended before we began to listen.
      await this.wake([jobId]);
      return await ended;
    } finally {
      gone?.removeEventListener('abort', leave);
      waiters.delete(waiter);
      if (waiters.size === 0) this.waiters.delete(jobId);
    }
  }

  /** Looks whether these jobs have ended, and tells whoever waits for them. */
  async wake(jobIds: string[]): Promise<void> {
    await Promise.all(
      jobIds
        .filter((jobId) => this.waiters.has(jobId))
        .map(async (jobId) => {
          const job = await this.reader.find(jobId);
          if (job?.status !== 'success' && job?.status !== 'fail') return;
          for (const waiter of this.waiters.get(jobId) ?? []) waiter.end({ job });
        }),
    );
  }

  /** Sends everybody home, and lets nobody in. */
  close(): void {
    this.closed = true;
    for (const waiters of this.waiters.values()) {
      for (const waiter of waiters) waiter.end('shutdown');
    }
  }

  private async lookAfter(): Promise<number> {
    const now = Date.now();
    for (const waiters of this.waiters.values()) {
      for (const waiter of waiters) {
        if (now >= waiter.until) waiter.end('timeout');
        else if (waiter.beat && now >= waiter.nextBeat) {
          waiter.nextBeat = now + HEARTBEAT_MS;
          waiter.beat();
        }
      }
    }
    this.round += 1;
    if (this.round % ROUNDS_PER_LOOK === 0) await this.lookAtDatabase();
    return 0;
  }

  private async lookAtDatabase(): Promise<void> {
    const ids = [...this.waiters.keys()];
    for (let from = 0; from < ids.length; from += JOBS_PER_LOOK) {
      await this.wake(await this.reader.ended(ids.slice(from, from + JOBS_PER_LOOK)));
    }
  }
}
