import { Logger } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { allowedHosts, allowedOrigins, type Config } from '@hitl/config';
import { DomainError, isJsonObject } from '@hitl/domain';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { serveConsole } from '../console/console';
import { isAnthropicRoute } from '../anthropic/anthropic-error';
import { OpenStreams } from '../events/open-streams.service';
import { serveDocument } from './document';
import { WaitingRoom } from '../waiting/waiting-room.service';
import { isOpenAiRoute } from '../openai/openai-routes';
import { ORIGINAL_FORM } from '../original-api/original-error';
import { isOriginalRoute } from '../original-api/original-routes';
import { Identity } from '../identity/identity.service';
import { OpenRequests } from '../identity/open-requests.service';
import { RequestLimit } from '../identity/request-limit';
import { leadToSignIn, serveSignIn } from '../identity/sign-in';
import { decompress } from '../http/content-encoding';
import { ErrorsFilter, wrongMethod } from '../http/errors.filter';
import { refuseOtherHosts } from '../http/hosts';
import { IncomingBodies } from '../http/incoming-bodies';
import { readJsonBody } from '../http/large-json';
import { allowReading, replyToOptions, refuseOtherOrigins } from '../http/origins';
import { setPublicUrl } from '../http/public-link';
import { routePath, RouteTable } from '../http/route-table';
import { UnreadResponses } from '../http/unread-responses';

/** Bytes of the bodies of all requests, and of what was read of them, that are in memory at once, unless three of the largest have more. */
const MIN_BODIES_BYTES = 67_108_864;
/** Bytes in memory of what a comma, a colon or an opening bracket stands for, beside its text. */
const BYTES_PER_PART = 48;
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** What the public HTTP has beside its controllers: bodies, errors, request ids, a log line for each change. */
export async function configure(app: NestFastifyApplication, config: Config): Promise<void> {
  const logger = new Logger('Http');
  const fastify = app.getHttpAdapter().getInstance();

  setPublicUrl(config.PUBLIC_URL);
  const origins = allowedOrigins(config);
  const hosts = allowedHosts(config);
  const routes = app.get(RouteTable);
  routes.watch(fastify);
  const errors = app.get(ErrorsFilter);
  const identity = app.get(Identity);
  const open = app.get(OpenRequests);
  const limit = app.get(RequestLimit);

  fastify.removeAllContentTypeParsers();
  const bodies = new IncomingBodies(
    config.MAX_BODY_BYTES,
    Math.max(MIN_BODIES_BYTES, 3 * config.MAX_BODY_BYTES),
  );
  fastify.addContentTypeParser('*', async (request: FastifyRequest) => {
    // There is nobody to read it.
    if (request.is404) return null;
    const body = await bodies.read(request.raw);
    const encoding = request.headers['content-encoding'];
    const bytes = await decompress(body, encoding, config.MAX_BODY_BYTES);
    bodies.grow(request.raw, bytes.length - body.length);
    // Many clients name a content type also where they send nothing.
    if (bytes.length === 0) return undefined;
    requireJsonType(request);
    const isPassedOn =
      isOpenAiRoute(request.url) || isAnthropicRoute(request.url) || routePath(request.url) === '/enqueue';
    return readJsonBody(bytes, isPassedOn, request.caller.name, (parts) =>
      bodies.weigh(request.raw, bytes.length + parts * BYTES_PER_PART),
    );
  });
  const unread = app.get(UnreadResponses);
  // Fastify's type wants a string, but it sends bytes and streams as they are.
  fastify.setReplySerializer((body) => unread.serialize(body).content as unknown as string);
  fastify.decorateRequest('caller');
  fastify.decorateRequest('credential', null);
  fastify.decorateRequest('releaseBody', function (this: FastifyRequest) {
    // The handler's caller keeps it until there is a reply.
    if (isJsonObject(this.body))
      for (const key of Object.keys(this.body)) Reflect.deleteProperty(this.body, key);
    this.body = undefined;
    bodies.release(this.raw);
  });
  /** Lets a request in, or replies to it. @returns whether it has been replied to */
  const admit = async (request: FastifyRequest, reply: FastifyReply): Promise<boolean> => {
    refuseOtherHosts(request, hosts);
    allowReading(request, reply, origins);
    const path = routePath(request.url);
    const methods = request.method === 'OPTIONS' ? routes.methodsOf(path) : [];
    // A browser asks what a page may send without saying whose the page is.
    if (methods.length > 0) {
      replyToOptions(request, reply, methods, origins);
      return true;
    }
    if (!request.routeOptions.config.isPublic) {
      request.caller = await identity.identify(request);
      const { caller, credential, routeOptions } = request;
      if (credential) limit.admit(credential, caller, reply, !routeOptions.config.isReviewing);
      open.follow(reply);
    }
    const { errorForm, isPublic } = request.routeOptions.config;
    if (config.ORIGINAL_API === 'off' && errorForm === ORIGINAL_FORM && !isPublic) {
      throw new DomainError('not_found', 'The original routes are switched off here (ORIGINAL_API=off).');
    }
    refuseOtherOrigins(request, origins, request.credential?.session != null);
    // Else the parameter of another route would take `claim-next` for an id.
    const named = routes.namedIn(path);
    if (named && request.method !== 'OPTIONS' && !named.includes(request.method)) {
      reply.header('allow', named.join(', '));
      throw wrongMethod(request.method, named);
    }
    return false;
  };
  fastify.addHook('onRequest', (request, reply, done) => {
    // Fastify refuses a content type that it cannot read; the original routes take any.
    if (isOriginalRoute(request.url)) delete request.headers['content-type'];
    reply.raw.once('close', () => {
      if (reply.sent) bodies.release(request.raw);
    });
    reply.header('x-request-id', request.id);
    reply.header('x-content-type-options', 'nosniff');
    admit(request, reply).then(
      (hasReply) => {
        if (!hasReply) done();
      },
      (error: unknown) => {
        const isStranger = error instanceof DomainError && error.code === 'unauthenticated';
        if (isStranger && leadToSignIn(request, reply, config)) return;
        // Not every address is a controller's, whose errors the filter would get.
        errors.respond(error, request, reply);
      },
    );
  });
  // Of a client that has gone only one of the two comes after the other: it is not notified of a response.
  fastify.addHook('onSend', (request, reply, _payload, done) => {
    if (reply.raw.destroyed) bodies.release(request.raw);
    done();
  });
  fastify.addHook('onResponse', (request, reply, done) => {
    const line = {
      requestId: request.id,
      method: request.method,
      route: request.routeOptions.url ?? 'none',
      status: reply.statusCode,
      client: request.ip,
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
  serveDocument(app, config);
  await serveSignIn(app, config);
  await serveConsole(app, config.PUBLIC_URL);
  // Nest adds the controllers' routes as it starts to listen.
  fastify.addHook('onReady', (done) => {
    routes.requireFree(config.PUBLIC_URL);
    done();
  });
}

/**
 * A page in a user's browser may post to this server without asking, as long as it does not say that it sends
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
