/**
 * Every error that a client can meet: its stable code, HTTP status and title.
 * docs/errors.md says what to do about each.
 */
export const ERRORS = {
  invalid_request: { status: 400, title: 'The request is not valid' },
  invalid_json: { status: 400, title: 'The body is not JSON that can be stored' },
  unauthenticated: { status: 401, title: 'Sign in, or send a key' },
  forbidden: { status: 403, title: 'The caller may not do this' },
  cross_origin: { status: 403, title: 'The request comes from a page of another origin' },
  not_in_group: { status: 403, title: 'The job is for another group of reviewers' },
  own_submission: { status: 403, title: 'The submitter may not review this job' },
  not_found: { status: 404, title: 'There is nothing at this address' },
  model_not_found: { status: 404, title: 'There is no such model' },
  job_not_found: { status: 404, title: 'There is no such job' },
  draft_not_found: { status: 404, title: 'There is no draft' },
  revision_not_found: { status: 404, title: 'The job never had this revision' },
  webhook_endpoint_not_found: { status: 404, title: 'There is no such webhook endpoint' },
  webhook_delivery_not_found: { status: 404, title: 'There is no such webhook delivery' },
  key_not_found: { status: 404, title: 'There is no such API key' },
  method_not_allowed: { status: 405, title: 'The address has no such method' },
  request_timeout: { status: 408, title: 'The request did not arrive in time' },
  job_not_waiting: { status: 409, title: 'The job does not wait for a human' },
  already_decided: { status: 409, title: 'Another decision was first' },
  already_voted: { status: 409, title: 'You have already voted on this response' },
  claimed: { status: 409, title: 'Another reviewer has claimed the job' },
  too_many_claims: { status: 409, title: 'You have claimed as many jobs as a reviewer may' },
  too_many_regenerations: { status: 409, title: 'The job was sent back to the model as often as it may be' },
  nothing_to_undo: { status: 409, title: 'There is no decision that can be undone' },
  already_final: { status: 409, title: 'The job has ended already' },
  not_final: { status: 409, title: 'The job has not ended' },
  too_many_webhook_endpoints: { status: 409, title: 'There are as many webhook endpoints as there may be' },
  too_many_keys: { status: 409, title: 'There are as many API keys as there may be' },
  sign_in_is_off: { status: 409, title: 'Nobody signs in here' },
  content_erased: { status: 410, title: 'What the job was about is erased' },
  event_gone: { status: 410, title: 'The event is not in the database any more' },
  revision_mismatch: { status: 412, title: 'The response has changed since you saw it' },
  body_too_large: { status: 413, title: 'The body is too large' },
  unsupported_media_type: { status: 415, title: 'The body must be sent as JSON' },
  expectation_failed: { status: 417, title: 'The expectation cannot be met' },
  misdirected_request: { status: 421, title: 'The host is not this gateway' },
  answer_rejected: { status: 422, title: 'A reviewer has rejected the response' },
  inference_failed: { status: 422, title: 'The model returned no response' },
  job_cancelled: { status: 422, title: 'The job was cancelled' },
  review_expired: { status: 422, title: 'Nobody decided in time' },
  idempotency_conflict: { status: 422, title: 'The idempotency key belongs to another request' },
  invalid_policy: { status: 422, title: 'The policy has faults' },
  schema_mismatch: { status: 422, title: 'The response does not fit its schema' },
  precondition_required: { status: 428, title: 'Say which revision was judged' },
  rate_limit_exceeded: { status: 429, title: 'The API key was used too often' },
  too_many_dry_runs: { status: 429, title: 'Too many policies are being tried' },
  too_many_holds: { status: 429, title: 'Too many requests are held' },
  too_many_streams: { status: 429, title: 'Too many event streams are open' },
  too_many_webhook_calls: { status: 429, title: 'A webhook was asked for too often' },
  headers_too_large: { status: 431, title: 'The headers are too large' },
  internal_error: { status: 500, title: 'Something went wrong here' },
  review_pending: { status: 503, title: 'No human has decided yet' },
  too_many_exports: { status: 503, title: 'Too many exports are being written' },
  too_many_jobs: { status: 503, title: 'Too many jobs wait for the model' },
  unavailable: { status: 503, title: 'A part of the system is away' },
} as const;

export type ErrorCode = keyof typeof ERRORS;

/** A fault of one field: a JSON pointer into the body or a parameter's name, and what is wrong with it. */
export interface FieldFault {
  pointer: string;
  detail: string;
}

/**
 * A refusal that a client is told about. `detail` says what was wrong, with which value, and what to do; what nobody sees
 * in that value, or what would turn the words around it, is written out.
 */
export class DomainError extends Error {
  override name = 'DomainError';
  readonly faults: FieldFault[];

  constructor(
    readonly code: ErrorCode,
    detail: string,
    faults: FieldFault[] = [],
    /** What is there now, for whoever wanted to change it. */
    readonly current?: object,
  ) {
    super(writtenOut(detail));
    this.faults = faults.map((fault) => ({ ...fault, detail: writtenOut(fault.detail) }));
  }
}

/** Controls but line feeds, separators, halves of characters, and what turns text or is not seen. */
const UNSEEN = /(?!\n)[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\p{Bidi_Control}\u00ad\u200b\u2060\ufeff]/gu;

/** A text with each character that is not seen as itself, or turns others, by its number: `⟦U+202E⟧`. */
function writtenOut(text: string): string {
  return text.replace(
    UNSEEN,
    (character) => `⟦U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}⟧`,
  );
}
