import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { ConfigError, type Config } from '@hitl/config';
import { METRICS_PATH, registry } from '@hitl/observability';
import type { FastifyRequest } from 'fastify';

/** Headers by which proxies say that a request is not from this machine. */
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'];

/**
 * Serves the metrics alone, at METRICS_PORT; undefined where that is not set.
 * @throws ConfigError where the port cannot be used
 */
export async function serveMetrics({ HOST, METRICS_PORT }: Config): Promise<Server | undefined> {
  if (METRICS_PORT === undefined) return undefined;
  const server = createServer((request, response) => {
    const isFound =
      request.url?.split('?', 1)[0] === METRICS_PATH && /^(GET|HEAD)$/.test(request.method ?? '');
    if (!isFound) {
      response
        .writeHead(404, { 'content-type': 'text/plain' })
        .end(`There is only GET ${METRICS_PATH} here.\n`);
      return;
    }
    registry.metrics().then(
      (text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text),
      () => response.writeHead(503).end(),
    );
  });
  try {
    server.listen({ host: HOST, port: METRICS_PORT });
    await once(server, 'listening');
  } catch (error) {
    throw new ConfigError(
      `METRICS_PORT=${METRICS_PORT} of ${HOST} cannot be used: ${(error as Error).message}. Set it to a free port other than PORT.`,
      { cause: error },
    );
  }
  return server;
}

/**
 * Whether a request to the public port may read the metrics: only from this machine and past no proxy, and not where
 * they have a port of their own.
 */
export function mayReadMetrics({ socket, headers }: FastifyRequest, { METRICS_PORT }: Config): boolean {
  if (METRICS_PORT !== undefined || FORWARDED.some((name) => headers[name] !== undefined)) return false;
  return /^(127\.|::1$|::ffff:127\.)/.test(socket.remoteAddress ?? '');
}
