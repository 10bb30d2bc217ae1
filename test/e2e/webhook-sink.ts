import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Takes every webhook. */
export interface WebhookSink {
  url: string;
  /** The headers and bodies of all that came. */
  received: string;
  close(): void;
}

/** Settings that let a gateway call a {@link WebhookSink}. */
export const CALLS_SINKS = {
  WEBHOOK_ALLOW_PRIVATE: 'true',
  WEBHOOK_SECRET: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
};

/** Starts a {@link WebhookSink} on a free port of loopback. */
export async function startWebhookSink(): Promise<WebhookSink> {
  const server = createServer((request, response) => {
    sink.received += JSON.stringify(request.headers);
    request.on('data', (data: Buffer) => (sink.received += data.toString())).on('end', () => response.end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const sink: WebhookSink = { url: `http://127.0.0.1:${port}/`, received: '', close: () => server.close() };
  return sink;
}
