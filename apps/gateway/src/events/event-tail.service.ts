import { setImmediate as turn } from 'node:timers/promises';
import { Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import { Every } from '@hitl/background';
import {
  BEFORE_ALL_EVENTS,
  EVERY_PROJECT,
  EventReader,
  JobReader,
  type EventPosition,
  type EventRecord,
  type Scope,
} from '@hitl/domain';

/** How often the newest events are looked for when no message reports any, in milliseconds. */
const LOOK_INTERVAL_MS = 1000;
/** Events that one statement reads. */
const EVENTS_PER_LOOK = 500;
/** Milliseconds after which a look sends a sign of life on a quiet stream: with the look's own gap never more than 5.2 s. */
const HEARTBEAT_MS = 4000;

/** New events that are kept for a follower who still reads the past; beyond, that past is read on. */
const MAX_KEPT = 1000;
/** Followers that are notified before others have their turn. */
const NOTIFIED_AT_ONCE = 100;

/** One open stream of events. */
interface Follower {
  /** Gets events in order. Followers of the same events get the same array, so that what is made of it can be shared. */
  next: (events: EventRecord[]) => void;
  beat: () => void;
  /** The database's history went back: what was sent may never have been. It goes on after the position. */
  reset: (position: EventPosition) => void;
  /** The database has the job of this follower no more. */
  lost: () => void;
  nextBeat: number;
  /** The job that is followed alone; undefined: all of a project. */
  jobId?: string;
}

/** What followers follow together: a job, or all events of a project. No project has the name of a job here. */
const topicOf = (project: string, jobId?: string): string => jobId ?? `project ${project}`;

/**
 * Follows the order of all events once for everybody: followers get each new event from memory. What came before
 * they began is read for them alone.
 */
@Injectable()
export class EventTail implements BeforeApplicationShutdown {
  private readonly logger = new Logger(EventTail.name);
  /** By what they follow: {@link topicOf}. */
  private readonly followers = new Map<string, Set<Follower>>();
  private position = BEFORE_ALL_EVENTS;
  private reading = Promise.resolve();
  private readAgain = false;

  constructor(
    private readonly reader: EventReader,
    private readonly jobs: JobReader,
  ) {}

  async beforeApplicationShutdown(): Promise<void> {
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

  /** Something has happened: looks at once, if there are followers. */
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
   * Sends the events of the scope after `from` in order, and then each new one, until `signal` fires.
   * @param scope of the job as well, where `jobId` is given
   * @param drained resolves once the follower takes more of the past
   * @param endedJob the job has ended: return once its last event was sent
   */
  async follow(
    scope: Scope,
    from: EventPosition,
    {
      next,
      beat,
      reset,
      lost,
      drained,
      signal,
      jobId,
      endedJob = false,
    }: Pick<Follower, 'next' | 'beat' | 'reset' | 'lost'> & {
      drained: () => Promise<void>;
      signal: AbortSignal;
      jobId?: string;
      endedJob?: boolean;
    },
  ): Promise<void> {
    let last = from;
    const pass = (events: EventRecord[]): void => {
      const { [0]: first } = events;
      // The same array where all of it is new, which is nearly always.
      const unseen = first && isAfter(last, first) ? events.filter((event) => !isAfter(last, event)) : events;
      last = unseen.at(-1) ?? last;
      if (unseen.length > 0) next(unseen);
    };
    // What happens while the past is read is kept, so that nothing falls between; null: it is sent at once.
    let kept: EventRecord[][] | null = [];
    let keptCount = 0;
    const follower: Follower = {
      next: (events) => {
        if (!kept) {
          pass(events);
          return;
        }
        keptCount += events.length;
        if (keptCount <= MAX_KEPT) kept.push(events);
      },
      beat,
      reset: (position) => {
        last = position;
        if (kept) kept = [];
        keptCount = 0;
        reset(position);
      },
      lost,
      nextBeat: performance.now() + HEARTBEAT_MS,
      jobId,
    };
    const topic = topicOf(scope.project, jobId);
    if (this.followers.size === 0) await this.beginAtEnd();
    this.add(follower, topic);
    try {
      for (;;) {
        kept = [];
        keptCount = 0;
        const { events, end, hasMore } = await this.reader.after(scope, last, EVENTS_PER_LOOK, jobId);
        pass(events);
        if (end && !isAfter(last, end)) last = end;
        await drained();
        if (signal.aborted || (!hasMore && keptCount <= MAX_KEPT)) break;
      }
      for (const events of kept) pass(events);
      kept = null;
      if (jobId !== undefined && endedJob && (await this.isLast(last, jobId))) return;
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
    } finally {
      this.remove(follower, topic);
    }
  }

  private add(follower: Follower, topic: string): void {
    this.followers.set(topic, (this.followers.get(topic) ?? new Set()).add(follower));
  }

  private remove(follower: Follower, topic: string): void {
    const others = this.followers.get(topic);
    others?.delete(follower);
    if (others?.size === 0) this.followers.delete(topic);
  }

  /** Unless another follower has begun meanwhile: what is still to be read for them must not be passed over. */
  private async beginAtEnd(): Promise<void> {
    const end = await this.reader.end();
    if (this.followers.size === 0) this.position = end;
  }

  /** Reads what no message reported, and sends heartbeats to quiet followers. */
  @Every(LOOK_INTERVAL_MS)
  async look(): Promise<void> {
    const now = performance.now();
    const due = new Set<string>();
    for (const followers of [...this.followers.values()]) {
      await this.eachOf([followers], (follower) => {
        if (now < follower.nextBeat) return;
        follower.nextBeat = now + HEARTBEAT_MS;
        follower.beat();
        if (follower.jobId !== undefined) due.add(follower.jobId);
      });
    }
    this.wake();
    await this.reading;
    await this.findLost([...due]);
  }

  private async findLost(jobIds: string[]): Promise<void> {
    if (jobIds.length === 0) return;
    for (const jobId of await this.jobs.missing(jobIds)) {
      for (const follower of this.followers.get(jobId) ?? []) follower.lost();
    }
  }

  private async read(): Promise<void> {
    for (;;) {
      const {
        events,
        end: last,
        hasMore,
      } = await this.reader.after(EVERY_PROJECT, this.position, EVENTS_PER_LOOK);
      // Nothing more, or another history's: is the event that we stand at still there?
      if ((!last || last.epoch !== this.position.epoch) && !(await this.reader.has(this.position))) {
        await this.goBack();
        return;
      }
      if (!last) return;
      this.position = last;
      for (const [topic, followed] of this.byTopic(events)) await this.notify(topic, followed);
      if (!hasMore) return;
    }
  }

  /** After a failover to a server that was behind, or a restore: followers have been sent events that no longer exist. */
  private async goBack(): Promise<void> {
    const gone = this.position;
    this.position = await this.reader.end();
    const groups = [...this.followers.values()];
    this.logger.error(
      `the history of the database went back: its event ${gone.xid}-${gone.id} of epoch ${gone.epoch} is not there any more. ` +
        `Jobs and decisions of its last moments are lost; ${groups.reduce((all, { size }) => all + size, 0)} followers have to read again.`,
    );
    await this.eachOf(groups, (follower) => {
      follower.reset(this.position);
    });
  }

  private byTopic(events: EventRecord[]): Map<string, EventRecord[]> {
    const byTopic = new Map<string, EventRecord[]>();
    for (const event of events) {
      for (const topic of [event.project === null ? null : topicOf(event.project), event.jobId]) {
        if (topic === null || !this.followers.has(topic)) continue;
        const followed = byTopic.get(topic) ?? [];
        byTopic.set(topic, followed);
        followed.push(event);
      }
    }
    return byTopic;
  }

  private async notify(topic: string, events: EventRecord[]): Promise<void> {
    const followers = this.followers.get(topic);
    if (followers) await this.eachOf([followers], (follower) => follower.next(events));
  }

  /** Thousands of followers must not keep everybody else waiting: between some of them others have their turn. */
  private async eachOf(groups: Set<Follower>[], act: (follower: Follower) => void): Promise<void> {
    let acted = 0;
    for (const followers of groups) {
      for (const follower of followers) {
        act(follower);
        acted += 1;
        if (acted % NOTIFIED_AT_ONCE === 0) await turn();
      }
    }
  }
}

/** Whether `position` is at or after `event`. */
function isAfter(position: EventPosition, event: EventPosition): boolean {
  if (position.epoch !== event.epoch) return position.epoch > event.epoch;
  const [a, b] = [BigInt(position.xid), BigInt(event.xid)];
  return a === b ? BigInt(position.id) >= BigInt(event.id) : a > b;
}
