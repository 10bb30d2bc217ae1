import { Injectable } from '@nestjs/common';
import { DomainError, jsonBytes } from '@hitl/domain';
import type { FastifyReply } from 'fastify';

/**
 * Bytes of jobs that lists may have in memory at once, read and not yet turned into text: as objects and texts they take
 * about five times as much.
 */
const MAX_BYTES_AT_ONCE = 8_388_608;
/** Lists of more than a few kilobytes count as so many bytes at least: two at once leave others the processor and the database. */
const LARGE_BYTES = 65_536;
const MIN_LARGE_BYTES = 4_194_304;
/** Longest wait for one's turn, in milliseconds. */
const MAX_WAIT_MS = 10_000;

interface Turn {
  bytes: number;
  begin: () => void;
}

/** Lets lists of large jobs be read side by side only as far as they fit into memory together; others wait for their turn. */
@Injectable()
export class LargeResponses {
  private bytes = 0;
  private readonly waiting: Turn[] = [];

  /** Sends as JSON what `read` returns. */
  async send(reply: FastifyReply, bytes: number, read: () => Promise<object>): Promise<void> {
    const text = await this.inTurn(bytes, async () => jsonBytes(await read()));
    await reply.type('application/json; charset=utf-8').send(text);
  }

  /**
   * Runs `work`, which has about so many bytes in memory until it is done; none of them should be left in what it returns
   * but bytes to send.
   * @throws DomainError unavailable when its turn did not come within 10 s
   */
  async inTurn<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    const counted = bytes > LARGE_BYTES ? Math.max(bytes, MIN_LARGE_BYTES) : bytes;
    const taken = Math.min(counted, MAX_BYTES_AT_ONCE);
    await this.takeTurn(taken);
    try {
      return await work();
    } finally {
      this.bytes -= taken;
      this.beginNext();
    }
  }

  private async takeTurn(bytes: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve, reject) => {
      const turn: Turn = { bytes, begin: resolve };
      this.waiting.push(turn);
      this.beginNext();
      if (!this.waiting.includes(turn)) return;
      timer = setTimeout(() => {
        this.waiting.splice(this.waiting.indexOf(turn), 1);
        this.beginNext();
        reject(
          new DomainError(
            'unavailable',
            'Too many lists of large jobs are being read. Try again, with a smaller limit.',
          ),
        );
      }, MAX_WAIT_MS);
    });
    clearTimeout(timer);
  }

  /** In the order in which they came: a large one is not passed over for ever. */
  private beginNext(): void {
    for (
      let [turn] = this.waiting;
      turn && this.bytes + turn.bytes <= MAX_BYTES_AT_ONCE;
      [turn] = this.waiting
    ) {
      this.waiting.shift();
      this.bytes += turn.bytes;
      turn.begin();
    }
  }
}
