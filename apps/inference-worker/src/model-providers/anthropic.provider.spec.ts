import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { JsonText, type Json } from '@hitl/domain';
import { anthropicMessage, startModelStub, type ModelStub } from '@hitl/testing';
import { createAnthropicProvider, toCompletion, toMessages } from './anthropic.provider';

const signal = new AbortController().signal;
const user = (content: Json) => ({ model: 'claude', messages: [{ role: 'user', content }] });

describe('the provider anthropic', () => {
  let stub: ModelStub;
  beforeAll(async () => {
    stub = await startModelStub();
  });
  afterAll(() => stub.close());
  const provider = () =>
    createAnthropicProvider({ type: 'anthropic', base_url: `${stub.url}/`, api_key: 'k', timeout_ms: 1000 });

  it('posts to /messages under its key and answers a chat completion', async () => {
    const answer = await provider().infer(JsonText.of(user('Hi')), signal);
    const { path, headers, body } = stub.requests.at(-1)!;
    expect(path).toBe('/v1/messages');
    expect(headers).toMatchObject({ 'x-api-key': 'k', 'anthropic-version': '2023-06-01' });
    expect(headers.authorization).toBeUndefined();
    expect(body).toEqual({
      model: 'claude',
      max_tokens: 4096,
      messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }],
    });
    expect(answer.value).toEqual({
      id: 'msg_1',
      object: 'chat.completion',
      created: expect.any(Number),
      model: 'claude-stub',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'You said: [{"type":"text","text":"Hi"}]', refusal: null },
          logprobs: null,
          finish_reason: 'stop',
        },
      ],
      usage: { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 },
    });
  });

  it("passes a request of Anthropic's own as it is, with its headers, and the message as it came", async () => {
    const asked =
      '{"messages":[{"content":[{"type":"new_block","n":1.0}],"role":"user"}], "model":"claude","top_k":1e2}';
    const message = '{"type":"message", "content":[{"type":"server_tool_use","n":1.0}],"role":"assistant"}';
    stub.answer = () => ({ text: message });
    const headers = { 'anthropic-version': '2024-01-01', 'anthropic-beta': 'a-1,b-2' };
    const answer = await provider().inferMessage?.(new JsonText(asked), signal, headers);
    expect(answer?.text).toBe(message);
    const sent = stub.requests.at(-1)!;
    expect(sent.text).toBe(asked);
    expect(sent.headers).toMatchObject({ ...headers, 'x-api-key': 'k' });
  });

  it('takes nothing but a message for one', async () => {
    stub.answer = () => ({ body: { content: [], role: 'assistant' } });
    await expect(provider().inferMessage?.(JsonText.of(user('Hi')), signal, {})).rejects.toMatchObject({
      retryable: true,
      detail: 'The response is not a message of the Messages API.',
    });
  });

  it.each([
    [429, true],
    [529, true],
    [500, true],
    [400, false],
    [401, false],
  ])('tells by %i whether it may pass: %s', async (status, retryable) => {
    stub.answer = () => ({ status, body: { type: 'error', error: { type: 'some_error', message: 'why' } } });
    await expect(provider().infer(JsonText.of(user('Hi')), signal)).rejects.toMatchObject({
      detail: `The model returned ${status}: why`,
      retryable,
    });
  });

  it.each([
    ['an error', { type: 'error', error: { type: 'overloaded_error', message: 'busy' } }, true],
    ['an error for good', { type: 'error', error: { type: 'invalid_request_error', message: 'no' } }, false],
    ['no message', { detail: 'maintenance' }, true],
  ])('takes %s with status 200 for no answer', async (_what, body, retryable) => {
    stub.answer = () => ({ body });
    await expect(provider().infer(JsonText.of(user('Hi')), signal)).rejects.toMatchObject({
      name: 'ModelError',
      retryable,
    });
  });

  it.each([
    ['"temperature":0.0,"top_p":1.0', '"temperature":0.0,"top_p":1.0'],
    ['"temperature":1.50,"n":1.0', '"temperature":1'],
  ])('carries over numbers as they are spelt: %s', (given, sent) => {
    const payload = new JsonText(`{"model":"claude","messages":[{"role":"user","content":"Hi"}],${given}}`);
    expect(JsonText.of(toMessages(payload.exact)).text).toMatch(new RegExp(`,${sent}}$`));
  });

  it('counts what an answer has used, however it spells that', () => {
    const answer = new JsonText('{"content":[],"usage":{"input_tokens":12.0,"output_tokens":3e0}}');
    expect(toCompletion(answer.exact).usage).toEqual({
      prompt_tokens: 12,
      completion_tokens: 3,
      total_tokens: 15,
    });
  });

  it('carries over a conversation with tools and images', () => {
    expect(
      toMessages({
        model: 'claude',
        max_completion_tokens: 10,
        temperature: 1.5,
        top_p: 0.5,
        stop: 'END',
        seed: 7,
        tools: [
          {
            type: 'function',
            function: { name: 'add', description: 'Adds', parameters: { type: 'object' } },
          },
        ],
        tool_choice: 'required',
        parallel_tool_calls: false,
        messages: [
          { role: 'system', content: 'Be brief.' },
          { role: 'developer', content: [{ type: 'text', text: 'Be kind.' }] },
          {
            role: 'user',
            content: [
              { type: 'text', text: 'Add' },
              { type: 'image_url', image_url: { url: 'data:image/png;base64,QUJD' } },
              { type: 'image_url', image_url: { url: 'https://a/b.png' } },
            ],
          },
          {
            role: 'assistant',
            content: null,
            tool_calls: [
              { id: 't1', type: 'function', function: { name: 'add', arguments: '{"a":1}' } },
              { id: 't2', type: 'function', function: { name: 'add', arguments: '' } },
            ],
          },
          { role: 'tool', tool_call_id: 't1', content: '3' },
          { role: 'tool', tool_call_id: 't2', content: '' },
        ],
      }),
    ).toEqual({
      model: 'claude',
      max_tokens: 10,
      temperature: 1,
      top_p: 0.5,
      stop_sequences: ['END'],
      system: 'Be brief.\n\nBe kind.',
      tools: [{ name: 'add', description: 'Adds', input_schema: { type: 'object' } }],
      tool_choice: { type: 'any', disable_parallel_tool_use: true },
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Add' },
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'QUJD' } },
            { type: 'image', source: { type: 'url', url: 'https://a/b.png' } },
          ],
        },
        {
          role: 'assistant',
          content: [
            { type: 'tool_use', id: 't1', name: 'add', input: { a: 1 } },
            { type: 'tool_use', id: 't2', name: 'add', input: {} },
          ],
        },
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: 't1', content: [{ type: 'text', text: '3' }] },
            { type: 'tool_result', tool_use_id: 't2', content: [] },
          ],
        },
      ],
    });
  });

  it.each<[string, Json]>([
    ['no messages', { model: 'claude', input: 'x' }],
    ['no model', { messages: [] }],
    ['n may only be 1', { ...user('x'), n: 2 }],
    ['response_format may only be text', { ...user('x'), response_format: { type: 'json_object' } }],
    ['"input_audio" has no counterpart', user([{ type: 'input_audio', input_audio: {} }])],
    ['neither a URL nor base64', user([{ type: 'image_url', image_url: { url: 'file:///etc/passwd' } }])],
    ['no role "robot"', { model: 'claude', messages: [{ role: 'robot', content: 'x' }] }],
    ['a tool is not a function', { ...user('x'), tools: [{ type: 'custom' }] }],
  ])('refuses for good: %s', (message, payload) => {
    expect(() => toMessages(payload)).toThrow(
      expect.objectContaining({ detail: expect.stringContaining(message), retryable: false }),
    );
  });

  it.each([
    ['end_turn', 'stop'],
    ['stop_sequence', 'stop'],
    ['max_tokens', 'length'],
    ['tool_use', 'tool_calls'],
    ['refusal', 'content_filter'],
    ['pause_turn', 'pause_turn'],
    [null, null],
  ])('says %s as %s', (stop_reason, finish_reason) => {
    expect(toCompletion({ ...anthropicMessage('x'), stop_reason })).toMatchObject({
      choices: [{ finish_reason }],
    });
  });

  it('answers tool calls, and joins texts', () => {
    const use = { type: 'tool_use', id: 't1', name: 'add', input: { a: 1 } };
    const call = { id: 't1', type: 'function', function: { name: 'add', arguments: '{"a":1}' } };
    const message = (content: Json) => toCompletion({ ...anthropicMessage(''), content });
    expect(message([use])).toMatchObject({ choices: [{ message: { content: null, tool_calls: [call] } }] });
    expect(
      message([
        { type: 'thinking', thinking: '…' },
        { type: 'text', text: 'a' },
        { type: 'text', text: 'b' },
      ]),
    ).toMatchObject({ choices: [{ message: { content: 'ab' } }] });
    expect(() => toCompletion({ completion: 'x' })).toThrow('not a message');
  });
});
