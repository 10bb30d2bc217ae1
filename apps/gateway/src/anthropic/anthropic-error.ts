import { DomainError, ERRORS, type Json } from '@hitl/domain';
import type { ErrorForm } from '../http/error-form';
import { publicLink } from '../http/public-link';
import { mayRetry } from '../openai/openai-error';
import { Withheld } from '../openai/withheld';

/** Anthropic's names for what went wrong, by HTTP status. Other statuses are invalid_request_error, from 500 on api_error. */
const TYPES: Record<number, string> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  // Anthropic's own status for it, 529, is one that proxies and most clients do not know.
  503: 'overloaded_error',
};

/** Where Anthropic's Messages API is, and what belongs to it. */
export function isAnthropicRoute(url: string): boolean {
  const path = (url.split('?', 1)[0] ?? '').replace(/\/{2,}/g, '/');
  return /^\/v1\/(?:v1\/)?(?:messages|complete)(?:\/|$)/.test(path) || /^\/messages(?:\/|$)/.test(path);
}

/** An error as Anthropic's SDKs read it; with the job's id and address where there is a job. */
export function toAnthropicError(error: DomainError, requestId: string): { [key: string]: Json } {
  const job = error instanceof Withheld && {
    job_id: error.jobId,
    job_url: publicLink(`/v1/jobs/${error.jobId}`),
    ...(error.failure && { provider_status: error.failure.status }),
  };
  const param = error.faults[0]?.pointer;
  return {
    type: 'error',
    error: {
      type: typeOf(error),
      message: error.message,
      code: error.code,
      ...(param !== undefined && { param }),
      ...job,
    },
    request_id: requestId,
  };
}

/** What the model's own provider called it keeps its name. */
function typeOf(error: DomainError): string {
  if (error.code === 'inference_failed') {
    return (error instanceof Withheld ? error.failure?.type : null) ?? 'api_error';
  }
  const status = error instanceof Withheld ? error.status : ERRORS[error.code].status;
  return TYPES[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error');
}

/** The form of Anthropic's errors, with what its SDKs read of the head. */
export const ANTHROPIC_FORM: ErrorForm = {
  schema: 'AnthropicError',
  type: 'application/json; charset=utf-8',
  write(error, request, reply) {
    if (error instanceof Withheld) {
      reply.status(error.status).header('x-hitl-job-id', error.jobId);
      reply.header('location', publicLink(`/v1/jobs/${error.jobId}`));
      if (error.retryAfter !== null) reply.header('retry-after', error.retryAfter);
    }
    reply.header('request-id', request.id);
    reply.header('x-should-retry', String(mayRetry(error, request.headers['idempotency-key'] !== undefined)));
    const isUnknown = error.code === 'not_found';
    return toAnthropicError(
      isUnknown ? new DomainError('not_found', notFound(request.method, request.url)) : error,
      request.id,
    );
  },
};

/** What is wrong with an address that is meant for Anthropic's API and that nothing answers. */
function notFound(method: string, url: string): string {
  const path = (url.split('?', 1)[0] ?? '').slice(0, 100);
  if (/^\/messages|^\/v1\/v1/.test(path)) {
    return `There is nothing at ${method} ${path}: the base URL of Anthropic's clients ends before /v1. This server has POST /v1/messages.`;
  }
  const why = path.endsWith('/count_tokens') ? 'does not count tokens' : `does not offer ${method} ${path}`;
  return `This server ${why}: of Anthropic's API it has POST /v1/messages. Call the provider for anything else.`;
}
