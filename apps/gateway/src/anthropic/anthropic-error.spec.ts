import { describe, expect, it } from '@jest/globals';
import { DomainError, type ErrorCode } from '@hitl/domain';
import { Withheld } from '../openai/withheld';
import { isAnthropicRoute, toAnthropicError } from './anthropic-error';

describe("an error in Anthropic's form", () => {
  it.each<[ErrorCode, string]>([
    ['invalid_request', 'invalid_request_error'],
    ['invalid_json', 'invalid_request_error'],
    ['unauthenticated', 'authentication_error'],
    ['forbidden', 'permission_error'],
    ['not_found', 'not_found_error'],
    ['body_too_large', 'request_too_large'],
    ['too_many_holds', 'rate_limit_error'],
    ['too_many_jobs', 'overloaded_error'],
    ['unavailable', 'overloaded_error'],
    ['internal_error', 'api_error'],
    ['inference_failed', 'api_error'],
  ])('of the code %s has the type %s', (code, type) => {
    const told = toAnthropicError(new DomainError(code, 'why', [{ pointer: 'model', detail: 'x' }]), 'r-1');
    expect(told).toEqual({
      type: 'error',
      error: { type, message: 'why', code, param: 'model' },
      request_id: 'r-1',
    });
  });

  it('names the job of a held request, and keeps the type that its provider named', () => {
    const failure = { status: 413, type: 'request_too_large', code: null, param: null };
    const told = toAnthropicError(new Withheld('inference_failed', 'why', 'a-job', failure), 'r-1');
    expect(told.error).toMatchObject({
      type: 'request_too_large',
      job_id: 'a-job',
      job_url: '/v1/jobs/a-job',
      provider_status: 413,
    });
  });
});

describe("an address of Anthropic's API", () => {
  it.each([
    ['/v1/messages', true],
    ['/v1/messages?beta=true', true],
    ['/v1//messages', true],
    ['/v1/messages/count_tokens', true],
    ['/v1/messages/batches/b-1', true],
    ['/v1/complete', true],
    ['/v1/v1/messages', true],
    ['/messages', true],
    ['/v1/messagesque', false],
    ['/v1/chat/completions', false],
    ['/v1/completions', false],
  ])('is %s: %s', (url, expected) => {
    expect(isAnthropicRoute(url)).toBe(expected);
  });
});
