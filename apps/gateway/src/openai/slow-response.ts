import { jsonBytes, type Json, type JsonText } from '@hitl/domain';
import type { FastifyReply } from 'fastify';

/**
 * A JSON reply that may begin with white space long before its content is known, so that neither the client nor what lies
 * between gives up. Once it has begun its status is 200.
 */
export class SlowResponse {
  private begun = false;

  constructor(private readonly reply: FastifyReply) {}

  get hasBegun(): boolean {
    return this.begun;
  }

  /** Sends a space; the first one sends the headers that were set on the reply, too. */
  beat(): void {
    const { raw } = this.reply;
    if (!this.begun) {
      this.begun = true;
      this.reply.hijack();
      raw.writeHead(200, {
        ...(this.reply.getHeaders() as Record<string, string>),
        'content-type': 'application/json; charset=utf-8',
        'cache-control': 'no-store, no-transform',
        'x-accel-buffering': 'no',
      });
    }
    if (!raw.destroyed && !raw.writableEnded) raw.write(' ');
  }

  async end(content: Json | JsonText): Promise<void> {
    // Bytes, since Node sets three of them aside for each character of a text that it sends.
    if (this.begun) this.reply.raw.end(jsonBytes(content));
    else await this.reply.status(200).type('application/json; charset=utf-8').send(content);
  }

  /** Breaks off what has begun: nobody must take it for a whole reply. */
  cut(): void {
    this.reply.raw.destroy();
  }
}
