import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Every } from '@hitl/background';
import { EVERY_PROJECT, isDatabaseTrouble, JobReader, type Job } from '@hitl/domain';

/** How often the database is looked at, for changes that no message reported, in milliseconds. */
const LOOK_INTERVAL_MS = 3000;
/** Milliseconds between two signs of life to a client that waits: there are clients that give up after ten seconds. */
const HEARTBEAT_MS = 5000;
/** Longest time that a timer of Node can run, in milliseconds: longer waits have no other end than the job's. */
const MAX_TIMER_MS = 2_147_483_647;
/** Jobs that one statement looks at. */
const JOBS_PER_LOOK = 1000;

/** Why a wait ended: the job's end, no time left, the gateway stops, the client has gone, the database has lost the job. */
export type Ending = { job: Job } | 'timeout' | 'shutdown' | 'gone' | 'lost';

interface Waiter {
  end: (ending: Ending) => void;
}

/**
 * Where clients wait for a job to end. `job.changed` wakes them at once; one shared look at the database finds what nobody
 * reported, so that ten thousand waiting clients cost a few statements.
 */
@Injectable()
export class WaitingRoom implements OnModuleDestroy {
  private readonly waiters = new Map<string, Set<Waiter>>();
  private closed = false;

  constructor(private readonly reader: JobReader) {}

  onModuleDestroy(): void {
    this.close();
  }

  /** Whether the gateway stops. */
  get isClosed(): boolean {
    return this.closed;
  }

  /** How many clients wait. */
  get size(): number {
    let size = 0;
    for (const waiters of this.waiters.values()) size += waiters.size;
    return size;
  }

  /**
   * Waits until the job has ended.
   * @param until the time at which the wait ends without it, by performance.now(); Infinity: never
   * @param gone ends the wait when the client has gone
   * @param beat called every `beatMs` while it waits, 5 s by default
   * @param isNew the job was submitted in this turn of the event loop: it cannot have ended yet
   */
  async untilEnded(
    jobId: string,
    {
      until,
      gone,
      beat,
      beatMs = HEARTBEAT_MS,
      isNew = false,
    }: { until: number; gone?: AbortSignal; beat?: () => void; beatMs?: number; isNew?: boolean },
  ): Promise<Ending> {
    if (this.closed) return 'shutdown';
    if (gone?.aborted) return 'gone';
    let end!: Waiter['end'];
    const ended = new Promise<Ending>((resolve) => (end = resolve));
    const waiter: Waiter = { end };
    const ms = until - performance.now();
    const timeout =
      ms <= MAX_TIMER_MS
        ? setTimeout(() => {
            end('timeout');
          }, ms)
        : undefined;
    const beats = beat && setInterval(beat, beatMs);
    const waiters = this.waiters.get(jobId) ?? new Set();
    this.waiters.set(jobId, waiters.add(waiter));
    const leave = (): void => end('gone');
    gone?.addEventListener('abort', leave);
    try {
      // The job may have ended before we began to listen. Where the database cannot say, the next look finds it.
      if (!isNew) {
        await this.wake([jobId]).catch((error: unknown) => {
          if (!isDatabaseTrouble(error)) throw error;
        });
      }
      return await ended;
    } finally {
      clearTimeout(timeout);
      clearInterval(beats);
      gone?.removeEventListener('abort', leave);
      waiters.delete(waiter);
      if (waiters.size === 0) this.waiters.delete(jobId);
    }
  }

  /** Looks whether these jobs have ended, or are lost, and notifies those who wait for them. */
  async wake(jobIds: string[]): Promise<void> {
    await Promise.all(
      jobIds
        .filter((jobId) => this.waiters.has(jobId))
        .map(async (jobId) => {
          // Those who wait have read the job before.
          const job = await this.reader.find(EVERY_PROJECT, jobId);
          if (job && job.status !== 'success' && job.status !== 'fail') return;
          for (const waiter of this.waiters.get(jobId) ?? []) waiter.end(job ? { job } : 'lost');
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

  /** Finds the ends that no message reported. */
  @Every(LOOK_INTERVAL_MS)
  async look(): Promise<void> {
    const ids = [...this.waiters.keys()];
    for (let from = 0; from < ids.length; from += JOBS_PER_LOOK) {
      await this.wake(await this.reader.over(ids.slice(from, from + JOBS_PER_LOOK)));
    }
  }
}
