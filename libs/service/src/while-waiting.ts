import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { DomainError, ERRORS } from '@hitl/domain';
import { HEALTH_LIVE_PATH, HEALTH_READY_PATH } from '@hitl/observability';
import { NOT_YET } from './health.controller';
import { PROBLEM_TYPE, toProblem } from './problem';
import { requestPath } from './request-path';

/** Seconds after which a client should try again. */
const RETRY_AFTER = '5';

/**
 * Serves HTTP in the place of an app that cannot begin yet: it is alive, not ready, and everything else is told to come
 * again. SIGTERM and SIGINT end the process.
 * @param base the sub-path of PUBLIC_URL, without a trailing slash
 * @returns closes it, and frees the port
 */
export async function answerWhileWaiting(
  host: string,
  port: number,
  base: string,
): Promise<() => Promise<void>> {
  const server = createServer((request, response) => {
    const path = requestPath(request.url ?? '/', base).split('?', 1)[0];
    response.setHeader('connection', 'close');
    request.resume();
    if (path === HEALTH_LIVE_PATH) {
      response.setHeader('content-type', 'application/json; charset=utf-8').end('{"status":"ok"}');
    } else if (path === HEALTH_READY_PATH) {
      response
        .writeHead(503, { 'content-type': 'application/json; charset=utf-8', 'retry-after': RETRY_AFTER })
        .end(JSON.stringify(NOT_YET.state));
    } else {
      const error = new DomainError(
        'unavailable',
        'This service has only just been started, and waits for its database. Nothing was stored. Try again in a few seconds.',
      );
      const body = JSON.stringify(toProblem(error, randomUUID(), request.url));
      const { status } = ERRORS[error.code];
      response.writeHead(status, { 'content-type': PROBLEM_TYPE, 'retry-after': RETRY_AFTER }).end(body);
    }
  });
  const leave = (): void => process.exit(0);
  process.on('SIGTERM', leave).on('SIGINT', leave);
  server.listen({ host, port });
  await once(server, 'listening');
  return async () => {
    process.off('SIGTERM', leave).off('SIGINT', leave);
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
}
