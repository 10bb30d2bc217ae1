/** The headers that replies have, as `components/headers` describes them. */
export const HEADERS = {
  RequestId: {
    description: 'The id under which the server logged the request',
    schema: { type: 'string' },
  },
  ETag: {
    description:
      'The revision of the response, in quotes. Send it as `If-Match` when you decide on this response.',
    schema: { type: 'string', example: '"1"' },
  },
  Location: { description: 'Where the job is', schema: { type: 'string', format: 'uri-reference' } },
  RetryAfter: {
    description: 'Seconds to wait before you try again',
    schema: { type: 'integer', minimum: 0 },
  },
  IdempotencyReplayed: {
    description:
      '`true`: an earlier request had made this, under the same `Idempotency-Key` or as an identical one whose client has gone',
    schema: { type: 'string', enum: ['true'] },
  },
  PreferenceApplied: {
    description: 'The `wait` of `Prefer` that was applied',
    schema: { type: 'string', example: 'wait=30' },
  },
  HitlJobId: { description: 'The job behind the response', schema: { type: 'string', format: 'uuid' } },
  HitlEdited: {
    description: '`true`: a human has changed the model’s response',
    schema: { type: 'string', enum: ['true'] },
  },
} as const;

const ref = (name: keyof typeof HEADERS) => ({ $ref: `#/components/headers/${name}` });

/** The headers of a reply about one job that can be decided on. */
export const JOB_HEADERS = { etag: ref('ETag') };
/** The headers of a reply that `Prefer: wait` may have held. */
export const READ_HEADERS = { ...JOB_HEADERS, 'preference-applied': ref('PreferenceApplied') };
/** The headers of the reply to a submission. */
export const SUBMITTED_HEADERS = {
  ...READ_HEADERS,
  location: ref('Location'),
  'idempotency-replayed': ref('IdempotencyReplayed'),
};
/** The headers of a reply that was held for a human. */
export const HELD_HEADERS = {
  'x-hitl-job-id': ref('HitlJobId'),
  'x-hitl-edited': ref('HitlEdited'),
  'idempotency-replayed': ref('IdempotencyReplayed'),
};

/** Adds to each reply the header that all of them have. */
export function describeHeaders(responses: Record<string, object>): void {
  for (const response of Object.values(responses) as { headers?: object }[]) {
    response.headers = { ...response.headers, 'x-request-id': ref('RequestId') };
  }
}

/** How a client that has read a job decides on it. */
export const DECIDE_LINK = {
  decide: {
    operationId: 'decideReview',
    parameters: { 'path.id': '$response.body#/id', 'header.If-Match': '$response.header.etag' },
  },
};

/**
 * The header `Idempotency-Key` of an operation.
 * @param description what a repetition under the same key does
 */
export const idempotencyKey = (description: string) => ({
  name: 'Idempotency-Key',
  required: false,
  description,
  schema: { type: 'string' as const, pattern: '^[!-~]{1,255}$' },
});
