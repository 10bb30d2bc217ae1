import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ConfigError, type Config } from '@hitl/config';
import { HEALTH_LIVE_PATH, HEALTH_READY_PATH, METRICS_PATH, registry } from '@hitl/observability';
import type { FastifyRequest } from 'fastify';
import { NOT_YET, type Health } from './health.controller';

/** Headers by which proxies say that a request is not from this machine. */
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'];
/** Connections at most: probes and a scraper or two. */
const MAX_CONNECTIONS = 100;

/** Probes and metrics on a port of their own. */
export interface Management {
  port: number;
  /** Says how the service is, once there is somebody who knows. Until then it is alive, and not ready. */
  ask(health: () => Promise<Health>): void;
  close(): void;
}

/**
 * Serves probes and metrics at MANAGEMENT_PORT, from before the service can do anything until it has ended; undefined
 * where that is not set.
 * @throws ConfigError where the port cannot be used
 */
export async function serveManagement({
  HOST,
  PORT,
  MANAGEMENT_PORT,
}: Config): Promise<Management | undefined> {
  if (MANAGEMENT_PORT === undefined) return undefined;
  if (MANAGEMENT_PORT === PORT && PORT !== 0) {
    throw new ConfigError(
      `MANAGEMENT_PORT=${MANAGEMENT_PORT} is PORT as well. Set it to another free port, or not at all.`,
    );
  }
  let health = (): Promise<Health> => Promise.resolve(NOT_YET);
  const routes: Record<string, (response: ServerResponse) => Promise<void>> = {
    [HEALTH_LIVE_PATH]: (response) => {
      sendJson(response, 200, { status: 'ok' });
      return Promise.resolve();
    },
    [HEALTH_READY_PATH]: async (response) => {
      const { isReady, state } = await health();
      sendJson(response, isReady ? 200 : 503, state);
    },
    [METRICS_PATH]: async (response) => {
      const text = await registry.metrics();
      response.setHeader('content-type', registry.contentType).end(text);
    },
  };
  const server = createServer((request, response) => {
    const path = request.url?.split('?', 1)[0] ?? '';
    const route =
      Object.hasOwn(routes, path) && /^(GET|HEAD)$/.test(request.method ?? '') ? routes[path] : undefined;
    request.resume();
    if (route) {
      route(response).catch(() => response.writeHead(503).end());
      return;
    }
    response
      .writeHead(404, { 'content-type': 'text/plain' })
      .end(`There is only GET ${Object.keys(routes).join(', ')} here.\n`);
  });
  server.maxConnections = MAX_CONNECTIONS;
  try {
    server.listen({ host: HOST, port: MANAGEMENT_PORT });
    await once(server, 'listening');
  } catch (error) {
    throw new ConfigError(
      `MANAGEMENT_PORT=${MANAGEMENT_PORT} of ${HOST} cannot be used: ${(error as Error).message}. Set it to a free port other than PORT.`,
      { cause: error },
    );
  }
  return {
    port: (server.address() as AddressInfo).port,
    ask: (next) => {
      health = next;
    },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(body));
}

/**
 * Whether a request to PORT may read the metrics: not where they have a port of their own; else on a public one only from
 * this machine and past no proxy.
 */
export function mayReadMetrics(
  { socket, headers }: FastifyRequest,
  { MANAGEMENT_PORT }: Config,
  isPublic: boolean,
): boolean {
  if (MANAGEMENT_PORT !== undefined) return false;
  if (!isPublic) return true;
  if (FORWARDED.some((name) => headers[name] !== undefined)) return false;
  return /^(127\.|::1$|::ffff:127\.)/.test(socket.remoteAddress ?? '');
}
