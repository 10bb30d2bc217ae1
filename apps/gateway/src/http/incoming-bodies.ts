import type { IncomingMessage } from 'node:http';
import { DomainError } from '@hitl/domain';
import type { FastifyReply } from 'fastify';

/** A body that sends nothing for this long is given up, in milliseconds. */
const MAX_SILENCE_MS = 10_000;
/** A body may take so long, and as much longer as it needs at 64 KiB/s, in milliseconds. */
const MIN_TIME_MS = 30_000;
const SLOWEST_BYTES_PER_MS = 65.536;
/** How long a body must be silent before it has to make room for others, in milliseconds. */
const YIELDS_AFTER_MS = 1000;
/** How long the rest of a body that was refused is read, in milliseconds. */
const MAX_DISCARD_MS = 30_000;
/** After each piece of it, of 64 KiB at most, it waits for so long, in milliseconds: who is refused and asks again at once takes little of what others need. */
const DISCARD_PAUSE_MS = 4;
/** The first bytes of each body, which are not counted: small requests are taken however many large ones there are. */
const UNCOUNTED_BYTES = 65_536;

declare module 'fastify' {
  interface FastifyRequest {
    /** Forgets the body: for a request that goes on for long after it was read. */
    releaseBody(): void;
  }
}

interface Incoming {
  bytes: number;
  /** What was read of it has about so many bytes in memory, beside its own. */
  weight: number;
  /** When it last sent something. */
  lastAt: number;
  /** While it is being read. */
  giveUp?: (reason: DomainError) => void;
}

/** Reads the bodies of requests. What all of them have in memory together is bounded, and so is the time of each. */
export class IncomingBodies {
  private readonly bodies = new Map<IncomingMessage, Incoming>();
  /** Bytes of all of them that count. */
  private total = 0;

  /**
   * @param largest bytes that one body may have
   * @param together bytes that all bodies, and what was read of them, may have in memory, without the first 64 KiB of each
   */
  constructor(
    private readonly largest: number,
    private readonly together: number,
  ) {}

  /**
   * A whole body, which counts as long as {@link release} was not called.
   * @throws DomainError body_too_large, request_timeout, unavailable; reply to it by {@link sendBeforeEnd}
   */
  async read(request: IncomingMessage): Promise<Buffer> {
    if (Number(request.headers['content-length'] ?? 0) > this.largest) {
      throw this.tooLarge();
    }
    const chunks: Buffer[] = [];
    const body: Incoming = { bytes: 0, weight: 0, lastAt: performance.now() };
    this.bodies.set(request, body);
    try {
      await new Promise<void>((resolve, reject) => {
        const began = performance.now();
        const look = setInterval(() => {
          const now = performance.now();
          const isSilent = now - body.lastAt > MAX_SILENCE_MS;
          const isSlow = now - began > MIN_TIME_MS + body.bytes / SLOWEST_BYTES_PER_MS;
          if (isSilent || isSlow) body.giveUp?.(tooSlow(isSilent, body.bytes));
        }, 1000);
        const end = (settle: () => void): void => {
          clearInterval(look);
          delete body.giveUp;
          request.off('data', take).off('end', done).off('close', cut);
          settle();
        };
        const done = (): void => end(resolve);
        const cut = (): void => body.giveUp?.(tooSlow(true, body.bytes));
        const take = (chunk: Buffer): void => {
          try {
            body.lastAt = performance.now();
            this.grow(request, chunk.length);
            chunks.push(chunk);
          } catch (error) {
            body.giveUp?.(error as DomainError);
          }
        };
        body.giveUp = (reason) => {
          end(() => reject(reason));
          chunks.length = 0;
        };
        request.on('data', take).on('end', done).on('close', cut);
      });
    } catch (error) {
      this.release(request);
      throw error;
    }
    return Buffer.concat(chunks);
  }

  /**
   * A body has more bytes than was known: as it comes, or once it is unpacked.
   * @throws DomainError body_too_large, unavailable
   */
  grow(request: IncomingMessage, bytes: number): void {
    const body = this.bodies.get(request);
    if (!body) return;
    if (body.bytes + bytes > this.largest) throw this.tooLarge();
    this.count(body, { bytes });
  }

  /**
   * A whole body is about to be read into values: it goes before those that are still coming.
   * @param weight bytes that they take in memory, beside the body's own
   * @throws DomainError unavailable
   */
  weigh(request: IncomingMessage, weight: number): void {
    const body = this.bodies.get(request);
    if (body) this.count(body, { weight });
  }

  /** The body is no longer in memory. */
  release(request: IncomingMessage): void {
    const body = this.bodies.get(request);
    if (body) this.total -= counted(body);
    this.bodies.delete(request);
  }

  private count(body: Incoming, { bytes = 0, weight = 0 }): void {
    const before = counted(body);
    body.bytes += bytes;
    body.weight += weight;
    this.total += counted(body) - before;
    // One alone may have more.
    while (this.total > Math.max(this.together, counted(body)) && counted(body) > 0) {
      const other = this.mostSilent(body, weight > 0 ? 0 : YIELDS_AFTER_MS);
      if (!other) throw tooMany();
      this.release(other.request);
      other.body.giveUp?.(tooMany());
    }
  }

  /** Of those that are being read, the one that has been silent for longest, if for so many milliseconds. */
  private mostSilent(but: Incoming, ms: number): { request: IncomingMessage; body: Incoming } | undefined {
    let most: { request: IncomingMessage; body: Incoming } | undefined;
    for (const [request, body] of this.bodies) {
      if (body === but || !body.giveUp || counted(body) === 0) continue;
      if (!most || body.lastAt < most.body.lastAt) most = { request, body };
    }
    return most && performance.now() - most.body.lastAt >= ms ? most : undefined;
  }

  private tooLarge(): DomainError {
    return new DomainError(
      'body_too_large',
      `The body is larger than the ${this.largest} bytes that this server takes (MAX_BODY_BYTES).`,
    );
  }
}

/**
 * Replies to a request whose body is still coming, and closes the connection once the rest was read and thrown away: who hangs
 * up on a client that still sends makes it see a broken pipe instead of the reply.
 */
export function sendBeforeEnd(reply: FastifyReply, text: string): void {
  const { raw, request } = reply;
  reply.hijack();
  raw.writeHead(reply.statusCode, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-length': Buffer.byteLength(text),
    connection: 'close',
  });
  raw.write(text);
  const end = (): void => {
    raw.end();
  };
  request.raw.once('end', end).once('close', end);
  discard(request.raw);
}

/** Reads the rest of a body and throws it away, for a while. */
function discard(request: IncomingMessage): void {
  let next: NodeJS.Timeout | undefined;
  const pause = (): void => {
    request.pause();
    next = setTimeout(() => request.resume(), DISCARD_PAUSE_MS);
  };
  request
    .on('error', () => undefined)
    .on('data', pause)
    .resume();
  const timer = setTimeout(() => request.destroy(), MAX_DISCARD_MS);
  request.once('close', () => {
    clearTimeout(timer);
    clearTimeout(next);
  });
}

function counted({ bytes, weight }: Incoming): number {
  return Math.max(0, bytes + weight - UNCOUNTED_BYTES);
}

function tooSlow(isSilent: boolean, bytes: number): DomainError {
  return new DomainError(
    'request_timeout',
    isSilent
      ? `The body stopped after ${bytes} bytes: nothing came for ${MAX_SILENCE_MS / 1000} s.`
      : `The body came too slowly: ${bytes} bytes by now. Send at least 64 KiB a second.`,
  );
}

function tooMany(): DomainError {
  return new DomainError(
    'unavailable',
    'The bodies of other requests fill the memory that there is for them. Nothing was stored; try again in a few seconds.',
  );
}
