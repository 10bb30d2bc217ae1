import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { DomainError, jsonChunks } from '@hitl/domain';
import { metrics } from '@hitl/observability';

/** A reply of more bytes is large: it is sent in pieces, each when the client has read the one before. */
const LARGE_BYTES = 1_048_576;
const PIECE_BYTES = 65_536;
/** Pieces that are sent in one turn of the event loop, to all clients together: others are served between two turns. */
const PIECES_PER_TURN = 4;
/** Bytes of large replies at which no more large jobs are read until clients have read some of them. */
const MAX_BYTES = 50_331_648;
/** How often it is looked who keeps others waiting, in milliseconds. */
const LOOK_INTERVAL_MS = 1000;
/** Who reads less than this between two looks is cut off while others wait. */
const SLOW_BYTES = 65_536;
/** How long others wait until the reply that has been read for longest is cut off, in milliseconds. */
const MAX_WAIT_MS = 5000;

/** Spreads the sending of large replies over turns of the event loop, each reply in its turn. */
class Pace {
  private readonly waiting: (() => void)[] = [];
  private next?: NodeJS.Immediate;

  /** Calls `send` in a later turn. */
  take(send: () => void): void {
    this.waiting.push(send);
    this.next ??= setImmediate(() => this.turn());
  }

  private turn(): void {
    for (const send of this.waiting.splice(0, PIECES_PER_TURN)) send();
    this.next = this.waiting.length > 0 ? setImmediate(() => this.turn()) : undefined;
  }
}

/** A large reply that is being sent. */
class LargeResponse extends Readable {
  /** Bytes that were sent, and how many they were when it was last looked. */
  sent = 0;
  sentBefore = -1;
  /** Where in the first of the chunks the next piece begins. */
  private at = 0;

  constructor(
    private chunks: Buffer[],
    private readonly pace: Pace,
  ) {
    super({ highWaterMark: PIECE_BYTES });
  }

  override _read(): void {
    this.pace.take(() => this.sendPiece());
  }

  private sendPiece(): void {
    if (this.destroyed) return;
    for (let [chunk] = this.chunks; chunk; [chunk] = this.chunks) {
      const piece = chunk.subarray(this.at, this.at + PIECE_BYTES);
      this.at += piece.length;
      if (this.at === chunk.length) {
        this.chunks.shift();
        this.at = 0;
      }
      if (piece.length === 0) continue;
      this.sent += piece.length;
      this.push(piece);
      return;
    }
    this.push(null);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.chunks = [];
    done(error);
  }
}

/**
 * What clients have not read yet of large replies. Texts that several of these have in common are in memory once; when all
 * of them together have 48 MiB, large jobs are not read until there is room again, and slow readers are cut off to make it.
 */
@Injectable()
export class UnreadResponses {
  /** How many replies have each buffer. */
  private readonly holders = new Map<Buffer, number>();
  private bytes = 0;
  /** In the order in which they came. */
  private readonly responses = new Set<LargeResponse>();
  private readonly waiting = new Set<() => void>();
  private looking?: NodeJS.Timeout;
  private readonly pace = new Pace();

  get isFull(): boolean {
    return this.bytes >= MAX_BYTES;
  }

  /**
   * Resolves once there is room, at once where there is.
   * @throws DomainError unavailable when there was none within `maxWaitMs`
   */
  async freed(maxWaitMs: number): Promise<void> {
    if (!this.isFull) return;
    const began = performance.now();
    this.looking ??= setInterval(() => this.cutSlow(performance.now() - began), LOOK_INTERVAL_MS);
    await new Promise<void>((resolve, reject) => {
      const end = (settle: () => void): void => {
        clearTimeout(timer);
        this.waiting.delete(freed);
        if (this.waiting.size === 0) this.stopLooking();
        settle();
      };
      const freed = (): void => end(resolve);
      const refused = new DomainError(
        'unavailable',
        'Large responses that clients have not read yet fill the memory that there is for them. Try again in a few seconds.',
      );
      const timer =
        maxWaitMs === Infinity ? undefined : setTimeout(() => end(() => reject(refused)), maxWaitMs);
      this.waiting.add(freed);
    });
  }

  /** A reply as JSON, ready to be sent: bytes, or a stream where it is large, and how long it is. */
  serialize(response: unknown): { length: number; content: Buffer | Readable } {
    const chunks = jsonChunks(response);
    const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    if (length <= LARGE_BYTES) return { length, content: Buffer.concat(chunks) };
    const buffers = new Set(chunks);
    const content = new LargeResponse(chunks, this.pace);
    for (const buffer of buffers) this.hold(buffer);
    this.responses.add(content);
    content.once('close', () => {
      this.responses.delete(content);
      for (const buffer of buffers) this.release(buffer);
      if (!this.isFull) for (const freed of this.waiting) freed();
    });
    return { length, content };
  }

  private hold(buffer: Buffer): void {
    const count = this.holders.get(buffer) ?? 0;
    if (count === 0) this.bytes += buffer.length;
    this.holders.set(buffer, count + 1);
  }

  private release(buffer: Buffer): void {
    const count = (this.holders.get(buffer) ?? 1) - 1;
    if (count > 0) {
      this.holders.set(buffer, count);
      return;
    }
    this.holders.delete(buffer);
    this.bytes -= buffer.length;
  }

  private cutSlow(waitedMs: number): void {
    const all = [...this.responses];
    const slow = all.filter(({ sent, sentBefore }) => sentBefore >= 0 && sent - sentBefore < SLOW_BYTES);
    for (const response of all) response.sentBefore = response.sent;
    const [oldest] = all;
    if (slow.length === 0 && waitedMs > MAX_WAIT_MS && oldest) slow.push(oldest);
    for (const response of slow) {
      metrics.connectionsEnded.inc({ why: 'unread' });
      response.destroy(new Error('the client reads too slowly while others wait'));
    }
  }

  private stopLooking(): void {
    clearInterval(this.looking);
    this.looking = undefined;
    for (const response of this.responses) response.sentBefore = -1;
  }
}
