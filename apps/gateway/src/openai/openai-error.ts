import { DomainError, ERRORS, type ErrorCode, type Json } from '@hitl/domain';
import type { ErrorForm } from '../http/error-form';
import { Uncertain } from '../http/errors.filter';
import { publicLink } from '../http/public-link';
import { openAiNotFound } from './openai-routes';
import { Withheld } from './withheld';

/** OpenAI's names for what went wrong, by HTTP status. */
const TYPES: Record<number, string> = {
  403: 'permission_error',
  404: 'not_found_error',
  409: 'conflict_error',
  429: 'rate_limit_error',
};

/** What OpenAI's SDKs read of an error. */
export type OpenAiError = {
  message: string;
  type: string;
  param: string | null;
  code: string;
};

/** An error in OpenAI's form, as its SDKs read it; with the job's id and address where there is a job. */
export function toOpenAiError(error: DomainError): { error: { [key: string]: Json } } {
  return {
    error: {
      ...describe(error),
      ...(error instanceof Withheld && {
        job_id: error.jobId,
        job_url: publicLink(`/v1/jobs/${error.jobId}`),
      }),
      ...(error instanceof Withheld && error.failure && { provider_status: error.failure.status }),
    },
  };
}

/** The message, type, parameter and code of an error. What the model's own provider said keeps its names. */
export function describe(error: DomainError): OpenAiError {
  const { status } = ERRORS[error.code];
  const own = {
    message: error.message,
    type: TYPES[status] ?? (status >= 500 ? 'server_error' : 'invalid_request_error'),
    param: error.faults[0]?.pointer ?? null,
    code: error.code,
  };
  if (error.code !== 'inference_failed') return own;
  const failure = error instanceof Withheld ? error.failure : null;
  if (failure === null) return { ...own, type: 'server_error' };
  const isRefusal =
    failure.status >= 400 && failure.status < 500 && ![408, 409, 429].includes(failure.status);
  return {
    message: own.message,
    type: failure.type ?? (isRefusal ? 'invalid_request_error' : 'server_error'),
    param: failure.param,
    code: failure.code ?? own.code,
  };
}

/** Errors of requests that stored nothing, as long as they have no job. */
const NOTHING_STORED: ErrorCode[] = ['rate_limit_exceeded', 'too_many_jobs', 'too_many_holds', 'unavailable'];

/**
 * Whether OpenAI's SDKs may repeat a request that ended in this error: only when that cannot make a second job.
 * They do so by themselves, twice, for most errors of 500 and above.
 */
export function mayRetry(error: DomainError, hasIdempotencyKey: boolean, hasJob = false): boolean {
  if (error instanceof Withheld) return error.retryAfter !== null;
  if (NOTHING_STORED.includes(error.code) && !hasJob && !(error instanceof Uncertain)) return true;
  return hasIdempotencyKey && ERRORS[error.code].status >= 500;
}

/** The form of OpenAI's errors, with what its SDKs read of the head. */
export const OPENAI_FORM: ErrorForm = {
  schema: 'OpenAiError',
  type: 'application/json; charset=utf-8',
  write(error, request, reply) {
    if (error instanceof Withheld) {
      reply.status(error.status).header('x-hitl-job-id', error.jobId);
      reply.header('location', publicLink(`/v1/jobs/${error.jobId}`));
      if (error.retryAfter !== null) reply.header('retry-after', error.retryAfter);
    }
    const hasKey = request.headers['idempotency-key'] !== undefined;
    reply.header('x-should-retry', String(mayRetry(error, hasKey, reply.hasHeader('x-hitl-job-id'))));
    const isUnknown = error.code === 'not_found';
    return toOpenAiError(
      isUnknown ? new DomainError('not_found', openAiNotFound(request.method, request.url)) : error,
    );
  },
};
