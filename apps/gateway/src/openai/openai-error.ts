import { ERRORS, type DomainError, type Json } from '@hitl/domain';
import { Withheld } from './withheld';

/** OpenAI's names for what went wrong, by HTTP status. */
const TYPES: Record<number, string> = {
  403: 'permission_error',
  404: 'not_found_error',
  409: 'conflict_error',
};

/** An error in OpenAI's form, as its SDKs read it; with the job's id and address where there is a job. */
export function toOpenAiError(error: DomainError): { error: { [key: string]: Json } } {
  const { status } = ERRORS[error.code];
  return {
    error: {
      message: error.message,
      type: TYPES[status] ?? (status >= 500 ? 'server_error' : 'invalid_request_error'),
      param: error.faults[0]?.pointer ?? null,
      code: error.code,
      ...(error instanceof Withheld && { job_id: error.jobId, job_url: `/v1/jobs/${error.jobId}` }),
    },
  };
}

/**
 * Whether OpenAI's SDKs may repeat a request that ended in this error: only when that cannot make a second job.
 * They do so by themselves, twice, for most errors of 500 and above.
 */
export function mayRetry(error: DomainError, hasIdempotencyKey: boolean): boolean {
  if (error instanceof Withheld) return error.retryAfter !== null;
  return error.code === 'too_many_jobs' || (hasIdempotencyKey && ERRORS[error.code].status >= 500);
}
