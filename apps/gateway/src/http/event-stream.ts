import type { FastifyReply } from 'fastify';
import { oneLine } from './one-line';

/**
 * Bytes that may wait for a client that does not read as fast as things happen; past it the client is cut off and resumes
 * later.
 */
const MAX_UNREAD_BYTES = 262_144;

export const EVENT_STREAM_TYPE = 'text/event-stream; charset=utf-8';

/** A server-sent event. */
export interface StreamEvent {
  id?: string;
  event?: string;
  /** JSON. */
  data: string;
}

/** A response of server-sent events that is written past Fastify. */
export class EventStream {
  constructor(private readonly reply: FastifyReply) {}

  /** Sends the headers that were set on the reply, and begins the stream. */
  open(): this {
    this.reply.hijack();
    this.reply.raw.writeHead(200, {
      ...(this.reply.getHeaders() as Record<string, string>),
      'content-type': EVENT_STREAM_TYPE,
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      // A stream's end closes its socket: one that were kept alive would lead its client back to a gateway that stops.
      connection: 'close',
    });
    this.reply.raw.flushHeaders();
    return this;
  }

  get isOpen(): boolean {
    return !this.reply.raw.destroyed && !this.reply.raw.writableEnded;
  }

  send(event: StreamEvent): void {
    this.write(frameOf(event));
  }

  /** Sends what {@link frameOf} made, which may be shared with other streams. */
  sendFrames(frames: string | Buffer): void {
    this.write(frames);
  }

  /**
   * Resolves once the client has read enough to be sent more, at once where it has, or once it is gone. Who sends much waits
   * for it before each piece: so even one piece that is larger than what may wait arrives.
   */
  async drained(): Promise<void> {
    const { raw } = this.reply;
    if (!this.isOpen || !raw.writableNeedDrain) return;
    await new Promise<void>((resolve) => {
      const end = (): void => {
        raw.off('drain', end).off('close', end);
        resolve();
      };
      raw.on('drain', end).on('close', end);
    });
  }

  /** Makes an EventSource reconnect 1 to 3 seconds after the stream has ended: not all at once. */
  retry(): void {
    this.write(`retry: ${1000 + Math.floor(Math.random() * 2000)}\n\n`);
  }

  /** A line that keeps proxies and clients from giving up; clients pass over it. */
  comment(text: string): void {
    this.write(`: ${text}\n\n`);
  }

  end(): void {
    if (this.isOpen) this.reply.raw.end();
  }

  private write(text: string | Buffer): void {
    if (!this.isOpen) return;
    if (this.reply.raw.writableLength > MAX_UNREAD_BYTES) this.reply.raw.destroy();
    else this.reply.raw.write(text);
  }
}

/** An event as it is written on a stream. */
export function frameOf({ id, event, data }: StreamEvent): string {
  const lines = [
    ...(id === undefined ? [] : [`id: ${id}`]),
    ...(event === undefined ? [] : [`event: ${event}`]),
  ];
  return `${[...lines, `data: ${oneLine(data)}`].join('\n')}\n\n`;
}
