import { ApiExtension } from '@nestjs/swagger';
import { ERRORS, type ErrorCode } from '@hitl/domain';

/** Where {@link ApiErrors} leaves the codes of an operation until the document is made. */
export const ERROR_CODES = 'x-error-codes';

/** The errors that an operation can return beside those of every operation; see {@link COMMON_ERRORS}. */
export function ApiErrors(...codes: ErrorCode[]): MethodDecorator {
  return ApiExtension(ERROR_CODES, codes) as MethodDecorator;
}

/** What any request can meet: it, or its head, cannot be read, or a part of the system is away. */
const EVERYWHERE: ErrorCode[] = ['invalid_request', 'headers_too_large', 'internal_error', 'unavailable'];
/** What a request can meet whose caller must say who it is. */
const CLOSED: ErrorCode[] = ['unauthenticated', 'forbidden', 'rate_limit_exceeded'];
/** What a request that changes something can meet. */
const CHANGES: ErrorCode[] = ['cross_origin'];
/** What a request with a body can meet. */
const BODIES: ErrorCode[] = [
  'invalid_json',
  'request_timeout',
  'body_too_large',
  'unsupported_media_type',
  'expectation_failed',
];

/** The statuses of the errors that follow from an operation's method, its body, and who may call it. */
export function usualStatuses(
  method: string,
  { hasBody, isPublic }: { hasBody: boolean; isPublic: boolean },
): number[] {
  const codes = [
    ...EVERYWHERE,
    ...(isPublic ? [] : CLOSED),
    ...(method === 'get' ? [] : CHANGES),
    ...(hasBody ? BODIES : []),
  ];
  return [...byStatus(codes).keys()];
}

/** The codes that any operation can return, by their HTTP status. */
export const COMMON_ERRORS = byStatus([...EVERYWHERE, ...CLOSED, ...CHANGES, ...BODIES]);

/** The codes by their HTTP status. */
export function byStatus(codes: readonly ErrorCode[]): Map<number, ErrorCode[]> {
  const statuses = new Map<number, ErrorCode[]>();
  for (const code of codes) {
    const { status } = ERRORS[code];
    statuses.set(status, [...(statuses.get(status) ?? []), code]);
  }
  return statuses;
}
