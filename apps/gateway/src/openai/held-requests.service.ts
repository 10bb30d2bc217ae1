import { createHash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import { Every } from '@hitl/background';
import { Config } from '@hitl/config';
import {
  HoldStore,
  isDatabaseTrouble,
  type Closing,
  type HeldRequest,
  type Joined,
  type Question,
} from '@hitl/domain';
import type { FastifyRequest } from 'fastify';
import { v7 as uuidv7 } from 'uuid';
import { requestHashOf } from '../http/idempotency';

/** How often this gateway says that it is alive while it holds requests, in milliseconds. */
const BEAT_MS = 500;
/** How long this gateway counts as seen without another beat, in milliseconds: the next one comes well before the 2 s of silence are over. */
const SEEN_MS = 700;
/** How long to wait before another look at whether another gateway is alive, in milliseconds. */
const DOUBT_MS = 200;
/** Beats between two sweeps: about ten minutes. */
const BEATS_PER_SWEEP = 1200;
/** Ended holds that wait to be written while the database is away; of more the oldest are forgotten, and count as there. */
const MAX_UNWRITTEN = 10_000;
/** Ended holds that one statement writes. */
const CLOSINGS_PER_WRITE = 500;

/**
 * Keeps in the database which requests this gateway holds: that a client has gone, so that an identical request gets its
 * job, and that this gateway is alive, so that those of one that was killed count as gone.
 */
@Injectable()
export class HeldRequests implements BeforeApplicationShutdown {
  private readonly logger = new Logger(HeldRequests.name);
  private readonly gatewayId = uuidv7();
  private readonly held = new Set<string>();
  private unwritten: Closing[] = [];
  private seen: Promise<void> | undefined;
  /** When the last beat that was written began, as performance.now() tells it. */
  private seenAt = -Infinity;
  private round = 0;

  constructor(
    private readonly store: HoldStore,
    private readonly config: Config,
  ) {}

  async beforeApplicationShutdown(): Promise<void> {
    await this.write();
  }

  /**
   * Holds a request without an idempotency key.
   * @returns the job that it waits for, which may not be there yet: the one of an identical request whose client has gone,
   *   else a new one. `cutAfterMs`: how soon the line to that client was cut; null: it was not.
   *   Where an identical request is held at another gateway, it takes until that gateway is seen alive (half a second) or
   *   counts as dead (two seconds).
   */
  async join(
    request: FastifyRequest,
  ): Promise<{ hold: HeldRequest; isNew: boolean; cutAfterMs: number | null }> {
    const jobId = uuidv7();
    const hold = await this.open(jobId);
    try {
      const found = await this.joined({
        ...hold,
        asked: createHash('sha256')
          // Who sends other credentials is another caller.
          .update(`${request.caller.project}\n${request.caller.name}\n${saidInHead(request)}\n`)
          .update(requestHashOf(request))
          .digest(),
        certain: retryCountOf(request) > 0 && this.config.HOLD_JOIN_MS > 0,
        joinMs: this.config.HOLD_JOIN_MS,
      });
      return {
        hold: { ...hold, jobId: found.jobId },
        isNew: found.jobId === jobId,
        cutAfterMs: found.cutAfterMs,
      };
    } catch (error) {
      this.held.delete(hold.requestId);
      throw error;
    }
  }

  private async joined(question: Omit<Question, 'waitedMs'>): Promise<Joined> {
    const cameAt = performance.now();
    for (;;) {
      const found = await this.store.join({
        ...question,
        waitedMs: Math.round(performance.now() - cameAt),
      });
      if (found) return found;
      await setTimeout(DOUBT_MS);
    }
  }

  /** Holds a request for the job of its idempotency key. */
  async keep(jobId: string): Promise<HeldRequest> {
    const hold = await this.open(jobId);
    try {
      await this.store.keep(hold);
      return hold;
    } catch (error) {
      this.held.delete(hold.requestId);
      throw error;
    }
  }

  /** Ends a hold: its client got a reply, has gone (`cutAfterMs` after it came), or was sent home to come again. */
  close(hold: HeldRequest, how: { answered: boolean; cutAfterMs: number | null }): void {
    this.held.delete(hold.requestId);
    this.unwritten.push({ ...hold, ...how });
    if (this.unwritten.length > MAX_UNWRITTEN) this.unwritten.shift();
    // An identical request may come in the next moment.
    void this.write().catch((error: unknown) => this.logger.error(error));
  }

  private async open(jobId: string): Promise<HeldRequest> {
    const hold = { gatewayId: this.gatewayId, requestId: uuidv7(), jobId };
    // Before the first one nobody has seen this gateway lately.
    if (this.held.size === 0 && performance.now() - this.seenAt > SEEN_MS) this.seen = this.beat();
    this.held.add(hold.requestId);
    try {
      await this.seen;
    } catch (error) {
      this.held.delete(hold.requestId);
      throw error;
    }
    return hold;
  }

  private async beat(): Promise<void> {
    const began = performance.now();
    await this.store.beat(this.gatewayId);
    this.seenAt = began;
  }

  /** Says that this gateway is alive, and writes which of its holds have ended. */
  @Every(BEAT_MS)
  async look(): Promise<void> {
    await this.write();
    this.round += 1;
    try {
      if (this.held.size > 0) await this.beat();
      if (this.round % BEATS_PER_SWEEP === 0) await this.store.sweep(this.config.HOLD_JOIN_MS);
    } catch (error) {
      // Others report that the database is away; this would report it twice a second.
      if (!isDatabaseTrouble(error)) throw error;
    }
  }

  /** Writes what has ended; what cannot be written is tried again with the next beat. */
  private async write(): Promise<void> {
    while (this.unwritten.length > 0) {
      const closings = this.unwritten.splice(0, CLOSINGS_PER_WRITE);
      try {
        await this.store.close(closings);
      } catch (error) {
        // Later it would fail again.
        if (!isDatabaseTrouble(error)) throw error;
        this.unwritten.unshift(...closings);
        return;
      }
    }
  }
}

/** Whether a client says how often it has sent the request before, as OpenAI's SDKs do. */
export function tellsRetries({ headers }: FastifyRequest): boolean {
  return headers['x-stainless-retry-count'] !== undefined;
}

/** The headers by which two requests with the same body are two. */
function saidInHead({ headers }: FastifyRequest): string {
  const names = ['authorization', 'x-api-key', 'anthropic-version', 'anthropic-beta'];
  return JSON.stringify(names.map((name) => headers[name] ?? ''));
}

/** How often OpenAI's SDK has sent this request before; 0 where it does not say. */
export function retryCountOf({ headers }: FastifyRequest): number {
  const count = headers['x-stainless-retry-count'];
  return typeof count === 'string' && /^\d{1,6}$/.test(count) ? Number(count) : 0;
}
