import { describe, expect, it } from '@jest/globals';
import { JsonText, submittedJob, type Job, type Json } from '@hitl/domain';
import { aJob } from '@hitl/testing';
import { anthropicHeadersOf, toMessage, toRejection } from './messages';

const withResponse = (text: string): Job =>
  Object.assign(submittedJob(aJob(), new Date()), { response: new JsonText(text) });
const valueOf = (message: unknown): Json => (message instanceof JsonText ? message.value : (message as Json));

describe('an approved response', () => {
  it('is the message as it is written, whatever blocks it has', () => {
    const text = '{ "type":"message","content":[{"type":"of the future","n":1.0}], "id":"msg_1"}';
    expect(toMessage(withResponse(text))).toMatchObject({ text });
  });

  it.each([
    ['"Four."', 'Four.'],
    ['{"sum": 4.0}', '{"sum": 4.0}'],
    ['null', ''],
  ])('that is %s becomes the text of a message', (json, text) => {
    const job = withResponse(json);
    expect(valueOf(toMessage(job))).toMatchObject({
      ...{ id: `msg_${job.id}`, type: 'message', role: 'assistant', stop_reason: 'end_turn' },
      content: [{ type: 'text', text }],
      usage: { input_tokens: 0, output_tokens: 0 },
    });
  });
});

describe('a job that failed', () => {
  const failed = (failureReason: Job['failureReason'], failureDetail: string): Job =>
    Object.assign(withResponse('"secret"'), { status: 'fail', failureReason, failureDetail });

  it('is a message that declines in the words of the reviewer where it was rejected', () => {
    const message = toRejection(failed('rejected', 'Not our tone.'));
    expect(message).toMatchObject({
      stop_reason: 'refusal',
      stop_details: { type: 'refusal', explanation: 'Not our tone.' },
      content: [{ type: 'text', text: 'Not our tone.' }],
    });
    expect(JSON.stringify(message)).not.toContain('secret');
  });

  it('is no message where it ended in another way', () => {
    for (const reason of ['expired', 'cancelled', 'inference_failed'] as const) {
      expect(toRejection(failed(reason, 'x'))).toBeNull();
    }
  });
});

describe('the headers for the provider', () => {
  const read = (headers: Record<string, string>) => anthropicHeadersOf({ headers });

  it('are those of the Messages API, and no others', () => {
    const sent = { 'anthropic-version': '2023-06-01', 'anthropic-beta': 'tools-2024-04-04, a_b.c' };
    expect(read({ ...sent, 'x-api-key': 'k', cookie: 'c', 'anthropic-organization': 'o' })).toEqual(sent);
    expect(read({ 'anthropic-beta': '' })).toEqual({});
  });

  it.each([
    ['anthropic-version', 'x'.repeat(65)],
    ['anthropic-version', '1\u00e9'],
    ['anthropic-beta', 'a,,b'],
    ['anthropic-beta', Array.from({ length: 33 }, () => 'b').join(',')],
    ['anthropic-beta', 'b'.repeat(129)],
  ])('are refused by name where %s is %s', (name, value) => {
    expect(() => read({ [name]: value })).toThrow(expect.objectContaining({ code: 'invalid_request' }));
    expect(() => read({ [name]: value })).toThrow(name);
  });
});
