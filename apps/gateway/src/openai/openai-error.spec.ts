import { describe, expect, it } from '@jest/globals';
import {
  DomainError,
  ERRORS,
  submittedJob,
  type FailureReason,
  type Job,
  type ModelFailure,
} from '@hitl/domain';
import { aJob } from '@hitl/testing';
import { toDomainError } from '../http/errors.filter';
import { mayRetry, toOpenAiError } from './openai-error';
import { failureOf } from './withheld';

const failed = (
  failureReason: FailureReason,
  failureDetail: string | null,
  failure: Partial<ModelFailure> | null = null,
): Job =>
  Object.assign(submittedJob(aJob(), new Date()), {
    status: 'fail' as const,
    failureReason,
    failureDetail,
    modelFailure: failure && { status: 400, code: null, type: null, param: null, ...failure },
  });
const told = (job: Job) => toOpenAiError(failureOf(job)).error;

describe('a held request that ends without an answer', () => {
  it.each<[FailureReason, string]>([
    ['rejected', 'answer_rejected'],
    ['expired', 'review_expired'],
    ['cancelled', 'job_cancelled'],
    ['inference_failed', 'inference_failed'],
  ])('since it is %s is 422 with the code %s, which no client repeats', (reason, code) => {
    const error = failureOf(failed(reason, null));
    expect(ERRORS[error.code].status).toBe(422);
    expect(toOpenAiError(error).error).toMatchObject({ code, job_id: error.jobId });
    expect(mayRetry(error, true)).toBe(false);
  });

  it('has the code, the type and the parameter that the provider named', () => {
    const failure = { code: 'context_length_exceeded', type: 'invalid_request_error', param: 'messages' };
    expect(told(failed('inference_failed', 'Too long.', failure))).toMatchObject({
      ...failure,
      message: 'Too long.',
      provider_status: 400,
    });
  });

  it.each([
    [404, 'invalid_request_error'],
    [422, 'invalid_request_error'],
    [429, 'server_error'],
    [503, 'server_error'],
    [200, 'server_error'],
  ])('after a %i of no type is a %s', (status, type) => {
    expect(told(failed('inference_failed', 'x', { status }))).toMatchObject({
      type,
      code: 'inference_failed',
      param: null,
    });
  });

  it.each<[string, Partial<ModelFailure>, string]>([
    [
      '401',
      { status: 401, code: 'invalid_api_key', type: 'authentication_error' },
      'The model returned 401: no.',
    ],
    ['403', { status: 403, type: 'authentication_error' }, 'The model returned 403: no.'],
    ['400', { status: 400, code: 'invalid-argument' }, 'The model returned 400: Incorrect API key provided.'],
  ])(
    'since the provider refuses our own key with %s does not blame the client’s',
    (status, failure, detail) => {
      expect(told(failed('inference_failed', detail, failure))).toMatchObject({
        code: 'inference_failed',
        type: 'server_error',
        message: `The model's provider refuses this server's credentials (${status}). Its operator must correct them.`,
      });
    },
  );

  it('may be repeated where nothing was stored, and only with a key where nobody knows', () => {
    const full = new DomainError('unavailable', 'Nothing was stored.');
    expect([mayRetry(full, false), mayRetry(full, true), mayRetry(full, false, true)]).toEqual([
      true,
      true,
      false,
    ]);
    const unknown = toDomainError(new Error('timeout exceeded when trying to connect'));
    expect(unknown.code).toBe('unavailable');
    expect([mayRetry(unknown, false), mayRetry(unknown, true)]).toEqual([false, true]);
  });

  it('keeps a 403 that is about what was asked', () => {
    const failure = { status: 403, code: 'content_policy_violation' };
    expect(told(failed('inference_failed', 'Flagged.', failure))).toMatchObject({
      code: failure.code,
      message: 'Flagged.',
    });
  });
});
