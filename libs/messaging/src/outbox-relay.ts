import { Inject, Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import { ClientProxy } from '@nestjs/microservices';
import { Every } from '@hitl/background';
import type { Config } from '@hitl/config';
import { BELL_GRACE_SECONDS, DomainError, isTransient, OutboxStore, type Bell } from '@hitl/domain';
import { metrics } from '@hitl/observability';
import { firstValueFrom } from 'rxjs';
import { queueState } from './queue-state';

/** Orphaned rows that one look takes at most. */
const ORPHANS_PER_LOOK = 200;
/** Own rows that may be under way at once; the pollers find what is beyond. */
const MAX_UNDER_WAY = 2000;
/** For how long rows of published messages may gather, in milliseconds, and how many: one statement deletes them. */
const DELETE_DELAY_MS = 250;
const MAX_PUBLISHED_ROWS = 500;
/** How often it is tried whether the broker takes what it did not take before, in milliseconds. */
const AGAIN_INTERVAL_MS = 100;

/** Publishes outbox rows and deletes them, many at once, when the transport has their messages. */
@Injectable()
export class OutboxRelay implements BeforeApplicationShutdown {
  private readonly logger = new Logger(OutboxRelay.name);
  private readonly underWay = new Set<Promise<void>>();
  /** Own rows that the broker did not take, and until when no poller takes them, as performance.now() tells it. */
  private readonly left: { bell: Bell; until: number }[] = [];
  /** Ids of own rows that are published and not deleted yet. */
  private published: string[] = [];
  private deletion?: NodeJS.Timeout;

  constructor(
    private readonly outbox: OutboxStore,
    @Inject(ClientProxy) private readonly client: ClientProxy,
  ) {}

  /** Waits for what is being published. */
  async beforeApplicationShutdown(): Promise<void> {
    await Promise.allSettled([...this.underWay]);
    await this.deletePublished();
  }

  /**
   * Publishes rows that were just written, without making the caller wait. While the broker is away, such as in the first
   * moments of a process, they are kept and tried again; what is not published within 5 s, a poller publishes.
   */
  ring(...bells: Bell[]): void {
    const until = performance.now() + BELL_GRACE_SECONDS * 1000;
    for (const bell of bells) this.tryPublish(bell, until);
  }

  /** Publishes own rows that the broker did not take, once it takes them. */
  @Every(AGAIN_INTERVAL_MS)
  async publishLeft(): Promise<void> {
    if (this.left.length === 0 || !(await this.canPublish())) return;
    const now = performance.now();
    for (const { bell, until } of this.left.splice(0)) if (now < until) this.tryPublish(bell, until);
  }

  private tryPublish(bell: Bell, until: number): void {
    if (this.underWay.size >= MAX_UNDER_WAY) return;
    const work = this.publish(bell, 'writer').then(
      () => {
        this.deleteSoon(bell.id);
      },
      (error: unknown) => {
        const isAway = error instanceof DomainError && error.code === 'unavailable';
        if (isAway && this.left.length < MAX_UNDER_WAY) this.left.push({ bell, until });
        else this.logger.debug(`left to the pollers: ${messageOf(error)}`);
      },
    );
    this.underWay.add(work);
    void work.finally(() => this.underWay.delete(work));
  }

  /** Whether `most` messages or fewer wait in the queue of a pattern; false, too, while the broker does not answer. */
  async isShort(pattern: string, most: number): Promise<boolean> {
    const state = await queueState(this.client, pattern);
    return state !== undefined && state.messages <= most;
  }

  /** Publishes rows that their writers left behind; returns how many. */
  @Every((config: Config) => config.OUTBOX_POLL_MS)
  async publishOrphans(): Promise<number> {
    // Rows taken while the broker is away would be out of reach when it is back, until the poller's lease ends.
    if (!(await this.canPublish())) return 0;
    const bells = await this.outbox.takeDue(ORPHANS_PER_LOOK);
    const results = await Promise.allSettled(bells.map((bell) => this.publish(bell, 'poller')));
    const published = bells.filter((_, index) => results[index]?.status === 'fulfilled');
    if (published.length > 0) await this.outbox.delete(published.map(({ id }) => id));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed && !isTransient(failed.reason)) {
      this.logger.warn(`${bells.length} messages wait in the outbox: ${String(failed.reason)}`);
    }
    return bells.length;
  }

  private canPublish(): Promise<boolean> {
    return this.client.connect().then(
      () => true,
      () => false,
    );
  }

  private async publish(bell: Bell, by: 'writer' | 'poller'): Promise<void> {
    await firstValueFrom(this.client.emit<void>(bell.pattern, { jobId: bell.jobId }), {
      defaultValue: undefined,
    });
    metrics.bellsPublished.inc({ by });
  }

  private deleteSoon(id: string): void {
    this.published.push(id);
    if (this.published.length >= MAX_PUBLISHED_ROWS) void this.deletePublished();
    else this.deletion ??= setTimeout(() => void this.deletePublished(), DELETE_DELAY_MS).unref();
  }

  /** A row that stays is published once more by a poller, which changes nothing. */
  private async deletePublished(): Promise<void> {
    clearTimeout(this.deletion);
    this.deletion = undefined;
    const ids = this.published.splice(0);
    if (ids.length === 0) return;
    const work = this.outbox.delete(ids).catch((error: unknown) => {
      this.logger.debug(`${ids.length} published rows are left to the pollers: ${messageOf(error)}`);
    });
    this.underWay.add(work);
    await work.finally(() => this.underWay.delete(work));
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
