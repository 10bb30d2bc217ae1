import { Injectable } from '@nestjs/common';
import { Every } from '@hitl/background';
import { Config } from '@hitl/config';
import { DomainError, RequestCounts, type Caller } from '@hitl/domain';
import type { FastifyReply } from 'fastify';
import type { Credential } from './credential';

/** How often gateways tell each other what they counted, in milliseconds. */
const SHARE_INTERVAL_MS = 1000;
const MINUTE_MS = 60_000;

/** The requests of a key or person in one minute. */
interface Count {
  minute: number;
  /** Here, and at other gateways as far as they have told. */
  requests: number;
  /** Those of them that others do not know of yet. */
  unshared: number;
}

/**
 * Keeps each key, and each person, within MAX_REQUESTS_PER_MINUTE, at all gateways together, to about a second's worth. No request waits for
 * the database; while it is away, each gateway counts for itself.
 */
@Injectable()
export class RequestLimit {
  private readonly counts = new Map<string, Count>();

  constructor(
    private readonly config: Config,
    private readonly store: RequestCounts,
  ) {}

  /**
   * Counts a request of an API key, or of a person who has signed in at a provider, and tells the client what is left.
   * @param mayRefuse false: it is let in whatever was counted
   * @throws DomainError rate_limit_exceeded
   */
  admit({ keyId }: Credential, { project, name }: Caller, reply: FastifyReply, mayRefuse: boolean): void {
    const { MAX_REQUESTS_PER_MINUTE: most } = this.config;
    if (most === 0) return;
    const now = Date.now();
    const count = this.countOf(keyId ?? `${project}/${name}`, Math.floor(now / MINUTE_MS));
    const seconds = Math.ceil((MINUTE_MS - (now % MINUTE_MS)) / 1000);
    const isOver = count.requests >= most && mayRefuse;
    if (!isOver) {
      count.requests += 1;
      count.unshared += 1;
    }
    reply.header('ratelimit-policy', `"key";q=${most};w=60`);
    reply.header('ratelimit', `"key";r=${Math.max(0, most - count.requests)};t=${seconds}`);
    if (!isOver) return;
    reply.header('retry-after', seconds);
    throw new DomainError(
      'rate_limit_exceeded',
      `${keyId === null ? name : `The API key hitl_${keyId}`} has made ${most} requests in this minute (MAX_REQUESTS_PER_MINUTE). Nothing was done; send this one again in ${seconds} s.`,
    );
  }

  @Every(SHARE_INTERVAL_MS)
  async share(): Promise<void> {
    const minute = Math.floor(Date.now() / MINUTE_MS);
    const told = new Map<string, Count>();
    const added = new Map<string, number>();
    for (const [id, count] of this.counts) {
      if (count.minute !== minute) this.counts.delete(id);
      else if (count.unshared > 0) {
        told.set(id, count);
        added.set(id, count.unshared);
        count.unshared = 0;
      }
    }
    if (told.size === 0) return;
    try {
      const totals = await this.store.add(minute, added);
      for (const [id, count] of told) {
        const total = totals.get(id);
        if (total !== undefined) count.requests = total + count.unshared;
      }
    } catch (error) {
      for (const [id, count] of told) count.unshared += added.get(id) ?? 0;
      throw error;
    }
  }

  private countOf(id: string, minute: number): Count {
    const known = this.counts.get(id);
    if (known?.minute === minute) return known;
    const count = { minute, requests: 0, unshared: 0 };
    this.counts.set(id, count);
    return count;
  }
}
