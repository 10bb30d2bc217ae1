import type { FastifyReply } from 'fastify';

/** Bytes that may wait for a client that does not read; past it the client is cut off and resumes later. */
const MOST_UNREAD = 1_048_576;

/** A server-sent event. */
export interface StreamEvent {
  id?: string;
  event?: string;
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
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
    this.reply.raw.flushHeaders();
    return this;
  }

  get isOpen(): boolean {
    return !this.reply.raw.destroyed && !this.reply.raw.writableEnded;
  }

  send({ id, event, data }: StreamEvent): void {
    const lines = [
      ...(id === undefined ? [] : [`id: ${id}`]),
      ...(event === undefined ? [] : [`event: ${event}`]),
    ];
    this.write(`${[...lines, `data: ${data}`].join('\n')}\n\n`);
  }

  /** A line that keeps proxies and clients from giving up; clients pass over it. */
  comment(text: string): void {
    this.write(`: ${text}\n\n`);
  }

  end(): void {
    if (this.isOpen) this.reply.raw.end();
  }

  private write(text: string): void {
    if (!this.isOpen) return;
    if (this.reply.raw.writableLength > MOST_UNREAD) this.reply.raw.destroy();
    else this.reply.raw.write(text);
  }
}
