import {
  Catch,
  HttpException,
  Injectable,
  Logger,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import { describeTrouble, DomainError, ERRORS, isDatabaseTrouble, isUnexpectedTrouble } from '@hitl/domain';
import { metrics } from '@hitl/observability';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ErrorForms } from './error-form';
import { sendBeforeEnd } from './incoming-bodies';
import { routePath, RouteTable } from './route-table';

/** Seconds after which a client should try again when a part of the system is away. */
const RETRY_AFTER = 2;
/** Seconds after which one who has too much open should try again: it may end at any moment. What is counted by the minute takes one. */
const RETRY_AFTER_OPEN = 5;

/** Every error reply there is, in the form of the API that was called. */
@Injectable()
@Catch()
export class ErrorsFilter implements ExceptionFilter {
  private readonly logger = new Logger('Http');

  constructor(
    private readonly routes: RouteTable,
    private readonly forms: ErrorForms,
  ) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    if (host.getType() !== 'http') throw thrown;
    const http = host.switchToHttp();
    this.respond(thrown, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }

  /** Replies to a request with what was thrown for it. */
  respond(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const path = routePath(request.url);
    const methods = request.is404 ? this.routes.methodsOf(path) : [];
    // A folder's address matches whatever file it names; that the file is missing is no fault of the method.
    const isOurs = !(thrown instanceof DomainError && thrown.code === 'misdirected_request');
    const isWrongMethod = isOurs && methods.length > 0 && !methods.includes(request.method);
    if (isWrongMethod) reply.header('allow', methods.join(', '));
    const error = isWrongMethod ? wrongMethod(request.method, methods) : toDomainError(thrown);
    const { status } = ERRORS[error.code];
    if (error.code === 'internal_error' || isUnexpectedTrouble(thrown)) {
      this.logger.error({ requestId: request.id, err: thrown, message: 'a request failed' });
    }
    if (status === 401) reply.header('www-authenticate', 'Bearer realm="HITL"');
    if (status === 429 && !reply.hasHeader('retry-after')) {
      reply.header('retry-after', error.code === 'too_many_webhook_calls' ? 60 : RETRY_AFTER_OPEN);
    }
    if (status === 429 || status === 503) metrics.refusals.inc({ code: error.code });
    const form = this.forms.of(request);
    const body = form.write(error, request, reply.status(status).type(form.type));
    if (reply.statusCode === 503 && !reply.hasHeader('retry-after')) reply.header('retry-after', RETRY_AFTER);
    send(reply, body);
  }
}

/** Sends a reply, also to a client that still sends its body. */
function send(reply: FastifyReply, body: object): void {
  const text = JSON.stringify(body);
  if (reply.request.raw.complete) reply.send(text);
  else sendBeforeEnd(reply, text);
}

/** The refusal of a method that an address has not. */
export function wrongMethod(method: string, methods: string[]): DomainError {
  return new DomainError('method_not_allowed', `There is no ${method} here, only ${methods.join(', ')}.`);
}

/** Trouble in the midst of a change: nobody knows whether it was made. */
export class Uncertain extends DomainError {}

/** Nest passes on what Fastify refuses as an HttpException: its status says what it was. */
export function toDomainError(thrown: unknown): DomainError {
  if (thrown instanceof DomainError) return thrown;
  if (isDatabaseTrouble(thrown)) {
    return new Uncertain(
      'unavailable',
      `${describeTrouble(thrown)} A change that was under way may or may not have taken effect: look, then try again in a few seconds.`,
    );
  }
  const status = thrown instanceof HttpException ? thrown.getStatus() : statusCode(thrown);
  const detail = thrown instanceof Error ? thrown.message.slice(0, 200) : '';
  switch (status) {
    case 404:
      return new DomainError('not_found', `${detail}. See /docs for what there is.`);
    case 413:
      return new DomainError(
        'body_too_large',
        'The body is larger than this server takes (MAX_BODY_BYTES, 20 MiB by default).',
      );
    case 415:
      return new DomainError(
        'unsupported_media_type',
        'The content type cannot be read; send content-type: application/json.',
      );
    default:
      if (status >= 400 && status < 500) return new DomainError('invalid_request', detail);
  }
  return new DomainError(
    'internal_error',
    'The gateway failed. Its log has the details under this request id.',
  );
}

function statusCode(thrown: unknown): number {
  return thrown instanceof Error && 'statusCode' in thrown ? Number(thrown.statusCode) : 500;
}
