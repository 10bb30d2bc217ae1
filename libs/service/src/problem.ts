import { ERRORS, type DomainError } from '@hitl/domain';

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

/**
 * The body of an error answer as RFC 9457 has it.
 * @param url the request's; its query is left out
 */
export function toProblem(error: DomainError, requestId: string, url?: string): object {
  const { status, title } = ERRORS[error.code];
  return {
    type: `urn:hitl:problem:${error.code}`,
    title,
    status,
    code: error.code,
    detail: error.message,
    ...(url !== undefined && { instance: url.split('?', 1)[0]?.slice(0, 200) }),
    request_id: requestId,
    ...(error.faults.length > 0 && { errors: error.faults }),
    ...(error.current && { current: error.current }),
  };
}
