import { Logger } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Config } from '@hitl/config';
import { DomainError } from '@hitl/domain';
import type { FastifyRequest } from 'fastify';
import { serveConsole } from '../console/console';
import { OpenStreams } from '../events/open-streams.service';
import { serveDocument } from '../openapi/document';
import { WaitingRoom } from '../waiting/waiting-room.service';
import { isOpenAiRoute } from '../openai/openai-routes';
import { isOriginalRoute } from '../original-api/original-routes';
import { callerOf } from './actor';
import { ErrorsFilter } from './errors.filter';
import { parseJsonBody } from './json-body';
import { ValidatePipe } from './validate.pipe';

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** What the public HTTP has beside its controllers: bodies, errors, request ids, a log line for each change. */
export async function configure(app: NestFastifyApplication, config: Config): Promise<void> {
  const logger = new Logger('Http');
  const fastify = app.getHttpAdapter().getInstance();

  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      // There is nobody to read it.
      if (request.is404) {
        done(null);
        return;
      }
      requireJsonType(request);
      done(null, parseJsonBody(body as Buffer, isOpenAiRoute(request.url)));
    } catch (error) {
      done(error as Error);
    }
  });
  fastify.decorateRequest('caller');
  fastify.addHook('onRequest', (request, reply, done) => {
    // Fastify refuses a content type that it cannot read; the original routes take any.
    if (isOriginalRoute(request.url)) delete request.headers['content-type'];
    request.caller = callerOf(request, config.HOST);
    reply.header('x-request-id', request.id);
    reply.header('x-content-type-options', 'nosniff');
    done(refuseOtherOrigins(request));
  });
  fastify.addHook('onResponse', (request, reply, done) => {
    const line = {
      requestId: request.id,
      method: request.method,
      route: request.routeOptions.url ?? 'none',
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime * 10) / 10,
      message: 'request',
    };
    if (SAFE_METHODS.has(request.method) && reply.statusCode < 500) logger.debug(line);
    else logger.log(line);
    done();
  });
  // Held clients and open streams would keep the server from closing.
  fastify.addHook('preClose', (done) => {
    app.get(WaitingRoom).close();
    app.get(OpenStreams).close();
    done();
  });
  app.useGlobalFilters(new ErrorsFilter());
  app.useGlobalPipes(new ValidatePipe());
  serveDocument(app);
  await serveConsole(app);
}

/**
 * A page in somebody's browser may post to this server without asking, as long as it does not say that it sends
 * JSON; so bodies on /v1 must say so. The original routes read whatever comes, as they always did.
 */
function requireJsonType(request: FastifyRequest): void {
  const type = request.headers['content-type'] ?? '';
  const isV1 = request.routeOptions.url?.startsWith('/v1/');
  if (isV1 && !/^application\/([\w.+-]+\+)?json\s*(;|$)/i.test(type)) {
    throw new DomainError(
      'unsupported_media_type',
      `The content type is ${type === '' ? 'missing' : JSON.stringify(type.slice(0, 64))}; send content-type: application/json.`,
    );
  }
}

/** For the same reason no page of another origin may change anything. */
function refuseOtherOrigins(request: FastifyRequest): Error | undefined {
  const { origin, host } = request.headers;
  if (origin === undefined || SAFE_METHODS.has(request.method)) return undefined;
  if (URL.canParse(origin) && new URL(origin).host === host) return undefined;
  return new DomainError(
    'cross_origin',
    `The origin ${JSON.stringify(origin.slice(0, 100))} may not change anything here.`,
  );
}
