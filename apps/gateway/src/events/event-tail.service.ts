import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { EventReader, type EventPosition, type EventRecord } from '@hitl/domain';
import { every, type Repetition } from '@hitl/messaging';

/** How often the newest events are looked for when nobody tells of any, in milliseconds. */
const LOOK_EVERY_MS = 1000;
/** Events that one statement reads. */
const EVENTS_PER_LOOK = 500;
/** Milliseconds after which a look sends a sign of life on a quiet stream: with the look's own gap never more than 5.2 s. */
const HEARTBEAT_MS = 4000;

/** Somebody who follows the events. */
interface Follower {
  next: (event: EventRecord) => void;
  beat: () => void;
  nextBeat: number;
}

/**
 * Follows the order of all events once for everybody: followers get each new event from memory. What came before
 * they began is read for them alone.
 */
@Injectable()
export class EventTail implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(EventTail.name);
  private readonly followers = new Set<Follower>();
  private position: EventPosition = { xid: '0', id: '0' };
  private looking?: Repetition;
  private reading = Promise.resolve();
  private readAgain = false;

  constructor(private readonly reader: EventReader) {}

  onApplicationBootstrap(): void {
    this.looking = every(LOOK_EVERY_MS, () => this.look(), this.logger);
  }

  async onModuleDestroy(): Promise<void> {
    await this.looking?.stop();
    await this.reading;
  }

  /** The position after all that has happened. */
  end(): Promise<EventPosition> {
    return this.reader.end();
  }

  /** Whether a job has no event after a position. */
  isLast(position: EventPosition, jobId: string): Promise<boolean> {
    return this.reader.isLast(position, jobId);
  }

  /** Something has happened: looks at once, if anybody follows. */
  wake(): void {
    if (this.followers.size === 0 || this.readAgain) return;
    this.readAgain = true;
    this.reading = this.reading.then(async () => {
      this.readAgain = false;
      await this.read().catch((error: unknown) => {
        this.logger.warn(`events were not read: ${String(error)}`);
      });
    });
  }

  /**
   * Sends the events after `from` in order, and then each new one, until `signal` fires.
   * @param endedJob the job has ended: return once its last event was sent
   */
  async follow(
    from: EventPosition,
    {
      next,
      beat,
      signal,
      jobId,
      endedJob = false,
    }: Pick<Follower, 'next' | 'beat'> & { signal: AbortSignal; jobId?: string; endedJob?: boolean },
  ): Promise<void> {
    let last = from;
    const pass = (event: EventRecord): void => {
      if (isAfter(last, event)) return;
      last = event;
      if (jobId === undefined || event.jobId === jobId) next(event);
    };
    // What happens while the past is read is kept, so that nothing falls between.
    let kept: EventRecord[] | null = [];
    const follower: Follower = {
      next: (event) => {
        if (kept) kept.push(event);
        else pass(event);
      },
      beat,
      nextBeat: Date.now() + HEARTBEAT_MS,
    };
    if (this.followers.size === 0) await this.beginAtEnd();
    this.followers.add(follower);
    try {
      for (;;) {
        const events = await this.reader.after(last, EVENTS_PER_LOOK, jobId);
        for (const event of events) pass(event);
        if (events.length < EVENTS_PER_LOOK || signal.aborted) break;
      }
      for (const event of kept) pass(event);
      kept = null;
      if (jobId !== undefined && endedJob && (await this.isLast(last, jobId))) return;
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
    } finally {
      this.followers.delete(follower);
    }
  }

  /** Unless somebody else has begun meanwhile: what is still to be read for them must not be passed over. */
  private async beginAtEnd(): Promise<void> {
    const end = await this.reader.end();
    if (this.followers.size === 0) this.position = end;
  }

  private async look(): Promise<number> {
    const now = Date.now();
    for (const follower of this.followers) {
      if (now < follower.nextBeat) continue;
      follower.nextBeat = now + HEARTBEAT_MS;
      follower.beat();
    }
    this.wake();
    await this.reading;
    return 0;
  }

  private async read(): Promise<void> {
    for (;;) {
      const events = await this.reader.after(this.position, EVENTS_PER_LOOK);
      for (const event of events) {
        this.position = event;
        for (const follower of this.followers) follower.next(event);
      }
      if (events.length < EVENTS_PER_LOOK) return;
    }
  }
}

/** Whether `position` is at or after `event`. */
function isAfter(position: EventPosition, event: EventPosition): boolean {
  const [a, b] = [BigInt(position.xid), BigInt(event.xid)];
  return a === b ? BigInt(position.id) >= BigInt(event.id) : a > b;
}
