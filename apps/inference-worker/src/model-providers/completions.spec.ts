import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { JsonText, type Json } from '@hitl/domain';
import { completion, startModelStub, type ModelStub } from '@hitl/testing';
import { createHttpProvider } from './http.provider';
import { createOpenAiProvider } from './openai.provider';

const signal = new AbortController().signal;
const CHAT = { model: 'm', messages: [{ role: 'user', content: 'Hi' }] };

describe('an answer to a chat', () => {
  let stub: ModelStub;
  beforeAll(async () => {
    stub = await startModelStub();
  });
  afterAll(() => stub.close());

  const ask = async (type: 'openai' | 'http', body: unknown, payload: Json = CHAT) => {
    stub.answer = () => ({ body });
    const create = type === 'openai' ? createOpenAiProvider : createHttpProvider;
    const provider = create({ type, base_url: stub.url, timeout_ms: 1000 });
    return (await provider.infer(JsonText.of(payload), signal)).value;
  };
  const choice = (fields: object) => ({
    ...completion(''),
    choices: [{ index: 0, message: { role: 'assistant', content: 'The ' }, ...fields }],
  });

  describe.each(['openai', 'http'] as const)('from a provider of type %s', (type) => {
    it.each([
      ['empty choices', { ...completion(''), choices: [] }, 'no choices'],
      ['null for choices', { ...completion(''), choices: null }, 'no choices'],
      ['null for a choice', { ...completion(''), choices: [null] }, 'a choice that is no object'],
      ['a choice without a message', choice({ message: undefined }), 'a choice without a message'],
      ['null for a message', choice({ message: null }), 'a choice without a message'],
      ['the finish_reason error', choice({ finish_reason: 'error' }), 'the finish_reason "error"'],
      ['a lack of resources', choice({ finish_reason: 'insufficient_system_resource' }), 'the finish_reason'],
      ['an error in a choice', choice({ error: { message: 'gone', code: 502 } }), 'an error: gone'],
      [
        'an error in the second choice',
        { ...completion(''), choices: [{ message: {} }, { message: {}, finish_reason: 'error' }] },
        'the finish_reason',
      ],
    ])('with %s is a failure that may pass', async (_what, body, said) => {
      await expect(ask(type, body)).rejects.toMatchObject({
        name: 'ModelError',
        retryable: true,
        detail: expect.stringContaining(`The model returned 200 with ${said}`),
      });
    });

    it('with an error for good in a choice is not repeated', async () => {
      const body = choice({ finish_reason: 'error', error: { message: 'flagged', code: 403 } });
      await expect(ask(type, body)).rejects.toMatchObject({ retryable: false, failure: { status: 403 } });
    });

    it.each([
      ['no finish_reason', choice({ finish_reason: null })],
      [
        'nothing but a refusal',
        choice({ message: { content: null, refusal: 'No.' }, finish_reason: 'stop' }),
      ],
      ['a filtered text', choice({ message: { content: '' }, finish_reason: 'content_filter' })],
    ])('with %s is an answer', async (_what, body) => {
      expect(await ask(type, body)).toEqual(JSON.parse(JSON.stringify(body)));
    });
  });

  it('that is no completion is a failure of a provider with the chat completions API', async () => {
    await expect(ask('openai', { detail: 'maintenance' })).rejects.toMatchObject({
      retryable: true,
      detail: 'The model returned 200 with no choices: maintenance',
    });
  });

  it.each([[[]], ['maintenance'], [true], [0]])('that is no object, as %j, is one, too', async (body) => {
    await expect(ask('openai', body)).rejects.toMatchObject({
      retryable: true,
      detail: 'The model returned 200 with no completion.',
    });
  });

  it('may have any form from a provider of type http, and to what is no chat', async () => {
    expect(await ask('http', { detail: 'maintenance' })).toEqual({ detail: 'maintenance' });
    expect(await ask('http', { choices: ['a', 'b'] }, { input: 'Which?' })).toEqual({ choices: ['a', 'b'] });
    expect(await ask('openai', { label: 'spam' }, { input: 'Which?' })).toEqual({ label: 'spam' });
    expect(await ask('openai', ['spam'], { input: 'Which?' })).toEqual(['spam']);
  });
});
