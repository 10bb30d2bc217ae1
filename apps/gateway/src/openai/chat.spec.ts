import { describe, expect, it } from '@jest/globals';
import { isJsonObject, JsonText, writeJson, type Job, type Json } from '@hitl/domain';
import { metadataOf, readChatRequest, toChunks, toStreamedCompletion, type JsonObject } from './chat';

const COMPLETION: JsonObject = {
  id: 'c-1',
  object: 'chat.completion',
  created: 1_700_000_000,
  model: 'm',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Two rivers.' }, finish_reason: 'stop' }],
};
const withMessage = (message: JsonObject, more: JsonObject = {}): JsonObject => ({
  ...COMPLETION,
  choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: 'stop', ...more }],
});

/** The completion that a client puts together again: texts are joined, other values are taken as the last piece has them. */
function assembled(chunks: JsonObject[]): JsonObject {
  const whole: JsonObject = {};
  const choices: JsonObject[] = [];
  for (const { choices: pieces, ...fields } of chunks) {
    for (const [key, value] of Object.entries(fields)) if (value !== null) whole[key] = value;
    for (const { index, delta, ...more } of pieces as JsonObject[]) {
      const choice = (choices[Number(index)] ??= { index: index ?? null, message: {} });
      for (const [key, value] of Object.entries(more)) choice[key] = value ?? choice[key] ?? null;
      const message = choice.message as JsonObject;
      for (const [key, value] of Object.entries(delta as JsonObject)) {
        const old = message[key];
        message[key] = typeof old === 'string' && typeof value === 'string' ? old + value : value;
      }
    }
  }
  return { ...whole, object: 'chat.completion', choices };
}
function stream(completion: JsonObject, includeUsage = false): JsonObject[] {
  const chunks = [...toChunks(completion, includeUsage)];
  const job = { response: JsonText.of(completion) } as Job;
  // What is streamed is not read as a whole, and is the same.
  const streamed = [...toChunks(toStreamedCompletion(job), includeUsage)];
  expect(streamed.map(writeJson)).toEqual(chunks.map(writeJson));
  return chunks;
}
const deltas = (chunks: JsonObject[]): Json[] =>
  chunks.flatMap(({ choices }) => (choices as JsonObject[]).map(({ delta }) => delta ?? null));

describe('a stream', () => {
  it.each<[string, JsonObject]>([
    ['a text', COMPLETION],
    ['a long text', withMessage({ content: '🗝é '.repeat(2000) })],
    [
      'fields of the provider',
      {
        ...COMPLETION,
        system_fingerprint: 'fp_7',
        service_tier: 'flex',
        provider: 'P',
        citations: ['https://example.com'],
        search_results: [{ title: 't' }],
        x_groq: { id: 'req_1', usage: { queue_time: 0.1 } },
        prompt_filter_results: [{ prompt_index: 0 }],
        note: 'x'.repeat(1000),
        error: { message: 'cut', code: 502 },
      },
    ],
    [
      'fields of a choice',
      withMessage(
        { content: 'a' },
        {
          native_finish_reason: 'STOP',
          content_filter_results: { hate: { filtered: false } },
          seed: 7,
          stop_reason: null,
        },
      ),
    ],
    [
      'logprobs',
      withMessage(
        { content: 'a' },
        { logprobs: { content: [{ token: 'a', logprob: -0.5, bytes: null, top_logprobs: [] }] } },
      ),
    ],
    [
      'usage',
      { ...COMPLETION, usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3, queue_time: 0.5 } },
    ],
    [
      'parts',
      withMessage({
        content: [
          { type: 'thinking', thinking: 'hm' },
          { type: 'text', text: 'Two.' },
        ],
      }),
    ],
    ['no content', withMessage({ content: null, refusal: 'No.' })],
    ['a message without content', withMessage({ audio: { id: 'a', data: 'UklG', transcript: 'Two.' } })],
    [
      'thoughts',
      withMessage({
        content: 'a',
        reasoning_content: 'hm',
        reasoning_details: [{ type: 'x' }],
        annotations: [],
      }),
    ],
    ['null for calls', withMessage({ content: 'a', tool_calls: null })],
    ['no finish_reason', withMessage({ content: 'The ' }, { finish_reason: null })],
    [
      'several choices',
      {
        ...COMPLETION,
        choices: [0, 1].map((index) => ({
          index,
          message: { role: 'assistant', content: `${index}` },
          finish_reason: index === 0 ? 'stop' : 'length',
        })),
      },
    ],
  ])('has all of an answer with %s, and nothing else', (_what, completion) => {
    expect(assembled(stream(completion))).toEqual(completion);
  });

  it('leaves what it does not cut as it is written', () => {
    const response = new JsonText(
      '{"choices":[{"message":{"content":"a","tool_calls":[{"id":1.0,"f":{"b":1E2,"1":-0}}],"x":[1.50]},"logprobs":{"n":[ 1e400 ]}}],"z":{"2":2.0,"1":9223372036854775807},"n":1.0}',
    );
    const text = [...toChunks(toStreamedCompletion({ response } as Job), false)].map(writeJson).join('\n');
    for (const written of [
      '"x":[1.50]',
      '"id":1.0,"f":{"b":1E2,"1":-0}',
      '"logprobs":{"n":[ 1e400 ]}',
      '"z":{"2":2.0,"1":9223372036854775807}',
      '"n":1.0',
    ]) {
      expect(text).toContain(written);
    }
  });

  it('numbers tool calls, after a content that stays null', () => {
    const call = { id: 't1', type: 'function', function: { name: 'f', arguments: '{}' } };
    const chunks = stream(withMessage({ content: null, tool_calls: [call, { ...call, id: 't2' }] }));
    expect(deltas(chunks)).toEqual([
      { role: 'assistant', content: null },
      {
        tool_calls: [
          { ...call, index: 0 },
          { ...call, id: 't2', index: 1 },
        ],
      },
      {},
    ]);
  });

  it('gives parts at once, never as a text', () => {
    const content = [{ type: 'text', text: 'Two.' }];
    expect(deltas(stream(withMessage({ content })))).toEqual([{ role: 'assistant' }, { content }, {}]);
  });

  it('ends with a piece for usage when it was asked for, and has null in the others', () => {
    const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };
    const chunks = stream({ ...COMPLETION, usage }, true);
    expect(chunks.at(-1)).toMatchObject({ id: 'c-1', object: 'chat.completion.chunk', choices: [], usage });
    for (const chunk of chunks.slice(0, -1)) expect(chunk.usage).toBeNull();
  });

  it('has usage that was not asked for in the piece that ends the last choice, as it needs no piece of its own', () => {
    const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };
    const chunks = stream({ ...COMPLETION, usage });
    expect(chunks.every(({ choices }) => Array.isArray(choices) && choices.length === 1)).toBe(true);
    expect(chunks.map((chunk) => isJsonObject(chunk.usage))).toEqual([false, false, true]);
  });

  it('says what it is and who answered in every piece', () => {
    for (const chunk of stream({ ...COMPLETION, system_fingerprint: 'fp_7' })) {
      expect(chunk).toMatchObject({
        id: 'c-1',
        object: 'chat.completion.chunk',
        model: 'm',
        system_fingerprint: 'fp_7',
      });
    }
  });
});

describe('a number of many digits', () => {
  it('is in one piece of a stream only', () => {
    const number = '1'.repeat(100_000);
    const completion = new JsonText(
      `{"n":${number},"choices":[{"message":{"content":"${'x'.repeat(5000)}"}}]}`,
    );
    const written = stream(completion.exact as JsonObject).map((chunk) => writeJson(chunk));
    expect(written.filter((chunk) => chunk.includes(number))).toHaveLength(1);
    expect(written.at(-1)).toContain(`"n":${number}`);
  });
});

describe('metadata', () => {
  it.each([
    ['texts', { a: 'b' }, { a: 'b' }],
    [
      'other values, as their JSON',
      { n: 5, t: true, o: { a: [1] }, z: null },
      { n: '5', t: 'true', o: '{"a":[1]}', z: 'null' },
    ],
    ['the beginning of a long text', { a: 'x'.repeat(2000) }, { a: 'x'.repeat(1024) }],
    ['nothing of null', null, undefined],
    ['nothing of nothing', {}, undefined],
  ])('keeps %s', (_what, given, kept) => {
    expect(metadataOf(JsonText.of(given))).toEqual(kept);
  });

  it('keeps the digits of numbers', () => {
    const body =
      '{"model":"m","messages":[{"role":"user"}],"metadata":{"id":1234567890123456789,"list":[1.0, 1e400]}}';
    const { metadata } = readChatRequest(new JsonText(body));
    expect(metadata).toEqual({ id: '1234567890123456789', list: '[1.0, 1e400]' });
  });

  it.each([['a text'], [['a list']], [5]])('that is no object is refused: %j', (given) => {
    expect(() => metadataOf(JsonText.of(given))).toThrow('"metadata": must be an object.');
  });
});
