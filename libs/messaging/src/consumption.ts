import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { describeTrouble, isDatabaseTrouble, isUnexpectedTrouble } from '@hitl/domain';
import { metrics } from '@hitl/observability';
import { QUEUES, type QueueKey } from './topology';

/** What a process takes from one queue. */
export interface QueueConsumption {
  queue: QueueKey;
  /** Messages handled at once. */
  concurrency: number;
  /** The process can do its work without: it does not count for readiness. */
  optional?: true;
}

/** What a message came to: `done` and `parked` leave the queue, `again` stays in it. */
export type Outcome = 'done' | 'parked' | 'again';

/** How long a message is kept before it goes back to its queue while the database is away, in milliseconds. */
const PAUSE_MS = 1000;

/**
 * Runs handlers one by one or side by side, and can wait until the last one is done. Both transports use it, so
 * that a handler meets the same rules on both: it resolves, or the database was away and the message stays, or
 * the message is parked.
 */
export class Consumption {
  #running = new Set<Promise<unknown>>();
  #stopping = new AbortController();

  constructor(
    readonly queue: QueueKey,
    private readonly logger: { warn(message: string): void; error(message: unknown): void },
  ) {
    // Each message in a pause listens to it.
    setMaxListeners(0, this.#stopping.signal);
  }

  get stopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** How many messages are being handled. */
  get inHand(): number {
    return this.#running.size;
  }

  /** Runs `handle` and decides what becomes of its message. Never rejects. */
  run(handle: () => Promise<unknown>, park: (reason: string) => Promise<void>): Promise<Outcome> {
    const work = this.#run(handle, park);
    this.#running.add(work);
    return work.finally(() => this.#running.delete(work));
  }

  /** Refuses newcomers and waits for what runs, `graceMs` at most. */
  async drain(graceMs: number): Promise<void> {
    this.#stopping.abort();
    await Promise.race([
      Promise.allSettled([...this.#running]),
      delay(graceMs, undefined, { ref: false }).then(() => {
        if (this.#running.size > 0) {
          this.logger.warn(
            `${this.#running.size} messages of ${QUEUES[this.queue].name} were still in hand after ${graceMs} ms; others will take them`,
          );
        }
      }),
    ]);
  }

  async #run(handle: () => Promise<unknown>, park: (reason: string) => Promise<void>): Promise<Outcome> {
    try {
      await handle();
      return 'done';
    } catch (error) {
      if (!isDatabaseTrouble(error)) {
        this.logger.error(error);
        try {
          await park(error instanceof Error ? `${error.name}: ${error.message}` : 'unknown error');
          metrics.messagesParked.inc({ queue: QUEUES[this.queue].name });
          return 'parked';
        } catch (parking) {
          this.logger.error(parking);
        }
      } else {
        if (isUnexpectedTrouble(error)) this.logger.error(error);
        this.logger.warn(`${describeTrouble(error)} A message of ${QUEUES[this.queue].name} waits.`);
      }
      await delay(PAUSE_MS, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
      return 'again';
    }
  }
}
