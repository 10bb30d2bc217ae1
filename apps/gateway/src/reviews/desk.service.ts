import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { ClientProxy } from '@nestjs/microservices';
import type { Caller, DeskCaller, DeskRules, Reviewer } from '@hitl/domain';
import { ask, ReadDesk } from '@hitl/messaging';

/** How long a reviewer's rules count, in milliseconds: as long as the review service takes to see another policy. */
const FRESH_MS = 1000;
/** How long a read waits for the review service, in milliseconds; then what was known before has to do. */
const WAIT_MS = 500;
/** Reviewers whose rules are kept; the one who asked longest ago goes first. */
const MAX_REVIEWERS = 1000;

interface Known {
  rules: DeskRules | null;
  askedAt: number;
  asking: Promise<void> | null;
}

/** By which rules people review: the review service knows, and this remembers it for a second. */
@Injectable()
export class Desk {
  private readonly known = new Map<string, Known>();

  constructor(@Inject(ClientProxy) private readonly client: ClientProxy) {}

  /** A reviewer with their rules; null while the review service has never sent them. */
  async caller({ name: actor, groups }: Pick<Caller, 'name' | 'groups'>): Promise<DeskCaller | null> {
    // Who is in other groups now is another reviewer: no rule of before counts.
    const key = JSON.stringify([actor, groups]);
    const known = this.known.get(key) ?? { rules: null, askedAt: -Infinity, asking: null };
    this.known.delete(key);
    this.known.set(key, known);
    const [oldest] = this.known.keys();
    if (this.known.size > MAX_REVIEWERS && oldest !== undefined) this.known.delete(oldest);
    if (!known.asking && performance.now() - known.askedAt > FRESH_MS) {
      known.askedAt = performance.now();
      known.asking = this.ask({ actor, groups }, known);
    }
    const left = known.askedAt + WAIT_MS - performance.now();
    if (known.asking && left > 0) await Promise.race([known.asking, delay(left, undefined, { ref: false })]);
    return known.rules && { actor, desk: known.rules };
  }

  private async ask(reviewer: Reviewer, known: Known): Promise<void> {
    try {
      known.rules = await ask<DeskRules>(this.client, ReadDesk.pattern, reviewer);
    } catch {
      // It is asked again with the next read; commands say on their own that nobody replies.
    } finally {
      known.asking = null;
    }
  }
}
