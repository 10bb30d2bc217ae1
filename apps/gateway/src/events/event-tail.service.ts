import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import {
  BEFORE_ALL_EVENTS,
  EventReader,
  JobReader,
  type EventPosition,
  type EventRecord,
} from '@hitl/domain';
import { every, type Repetition } from '@hitl/messaging';

/** How often the newest events are looked for when nobody tells of any, in milliseconds. */
const LOOK_EVERY_MS = 1000;
/** Events that one statement reads. */
const EVENTS_PER_LOOK = 500;
/** Milliseconds after which a look sends a sign of life on a quiet stream: with the look's own gap never more than 5.2 s. */
const HEARTBEAT_MS = 4000;

/** Somebody who follows the events. */
interface Follower {
  jobId?: string;
  next: (event: EventRecord) => void;
  beat: () => void;
  /** The database's history went back: what was sent may never have been. It goes on after the position. */
  reset: (position: EventPosition) => void;
  /** The database has the job of this follower no more. */
  lost: () => void;
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
  private position = BEFORE_ALL_EVENTS;
  private looking?: Repetition;
  private reading = Promise.resolve();
  private readAgain = false;

  constructor(
    private readonly reader: EventReader,
    private readonly jobs: JobReader,
  ) {}

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

  /** Whether the database has the event of a position: others cannot be gone on after. */
  has(position: EventPosition): Promise<boolean> {
    return this.reader.has(position);
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
      reset,
      lost,
      signal,
      jobId,
      endedJob = false,
    }: Pick<Follower, 'next' | 'beat' | 'reset' | 'lost'> & {
      signal: AbortSignal;
      jobId?: string;
      endedJob?: boolean;
    },
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
      jobId,
      next: (event) => {
        if (kept) kept.push(event);
        else pass(event);
      },
      beat,
      reset: (position) => {
        last = position;
        if (kept) kept = [];
        reset(position);
      },
      lost,
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
    const due = [...this.followers].filter(({ nextBeat }) => now >= nextBeat);
    for (const follower of due) {
      follower.nextBeat = now + HEARTBEAT_MS;
      follower.beat();
    }
    this.wake();
    await this.reading;
    await this.findLost(due.filter(({ jobId }) => jobId !== undefined));
    return 0;
  }

  private async findLost(followers: Follower[]): Promise<void> {
    if (followers.length === 0) return;
    const missing = new Set(await this.jobs.missing(followers.map(({ jobId }) => String(jobId))));
    for (const follower of followers) if (missing.has(String(follower.jobId))) follower.lost();
  }

  private async read(): Promise<void> {
    for (;;) {
      const events = await this.reader.after(this.position, EVENTS_PER_LOOK);
      // Nothing more, or another history's: is the event that we stand at still there?
      const last = events.at(-1);
      if ((!last || last.epoch !== this.position.epoch) && !(await this.reader.has(this.position))) {
        await this.goBack();
        return;
      }
      for (const event of events) {
        this.position = event;
        for (const follower of this.followers) follower.next(event);
      }
      if (events.length < EVENTS_PER_LOOK) return;
    }
  }

  /** After a failover to a server that was behind, or a restore: what nobody has now has been told to followers. */
  private async goBack(): Promise<void> {
    const gone = this.position;
    this.position = await this.reader.end();
    this.logger.error(
      `the history of the database went back: its event ${gone.xid}-${gone.id} of epoch ${gone.epoch} is not there any more. ` +
        `Jobs and decisions of its last moments are lost; ${this.followers.size} followers are told to read again.`,
    );
    for (const follower of this.followers) follower.reset(this.position);
  }
}

/** Whether `position` is at or after `event`. */
function isAfter(position: EventPosition, event: EventPosition): boolean {
  if (position.epoch !== event.epoch) return position.epoch > event.epoch;
  const [a, b] = [BigInt(position.xid), BigInt(event.xid)];
  return a === b ? BigInt(position.id) >= BigInt(event.id) : a > b;
}
