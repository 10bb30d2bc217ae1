import { describe, expect, it, jest } from '@jest/globals';
import { type Json, JsonText } from '../json';
import { checkAnswer } from './check-answer';

const SCHEMA: Json = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  type: 'object',
  properties: { answer: { enum: ['yes', 'no'] } },
  required: ['answer'],
  additionalProperties: false,
};
const messages: Json = [{ role: 'user', content: 'x' }];
const CHAT: Json = {
  messages,
  response_format: { type: 'json_schema', json_schema: { name: 'r', strict: true, schema: SCHEMA } },
};
const WITH_TOOLS: Json = {
  messages,
  tools: [
    {
      type: 'function',
      function: {
        name: 'pay',
        parameters: { properties: { amount: { type: 'number' } }, required: ['amount'] },
      },
    },
    { type: 'function', function: { name: 'wait' } },
  ],
};
const said = (message: Json): Json => ({ object: 'chat.completion', choices: [{ index: 0, message }] });
const calling = (name: Json, args: Json): Json =>
  said({ content: null, tool_calls: [{ id: 't1', type: 'function', function: { name, arguments: args } }] });
const check = (
  payload: Json,
  response: Json,
  more: { originalPayload?: Json; responseSchema?: Json; isMessages?: boolean } = {},
) =>
  checkAnswer(
    {
      payload: JsonText.of(payload),
      originalPayload: more.originalPayload === undefined ? null : JsonText.of(more.originalPayload),
      responseSchema: more.responseSchema === undefined ? null : JsonText.of(more.responseSchema),
      anthropicHeaders: more.isMessages ? {} : null,
    },
    JsonText.of(response),
    'ana',
  );
const faults = async (payload: Json, response: Json): Promise<string[]> =>
  (await check(payload, response)).faults.map(({ pointer, detail }) => `${pointer}: ${detail}`);

const CONTENT = '/response/choices/0/message/content';
const CALL = '/response/choices/0/message/tool_calls/0/function';

describe("an answer to a request of Anthropic's Messages API", () => {
  const PAY = { name: 'pay', input_schema: { properties: { amount: { type: 'number' } } } };
  const ASKED = { model: 'claude', messages: [{ role: 'user', content: 'Hi' }], tools: [PAY] };
  const message = (content: Json, more: { [key: string]: Json } = {}): Json => ({
    ...{ id: 'msg_1', type: 'message', role: 'assistant', stop_reason: 'end_turn' },
    content,
    ...more,
  });
  const use = { type: 'tool_use', id: 't1', name: 'pay', input: { amount: 4 } };

  it.each<[string, Json, string[]]>([
    ['a message of text', message([{ type: 'text', text: 'Hi' }]), []],
    ['a text, which becomes a message', 'Hi', []],
    ['a call of a tool', message([use], { stop_reason: 'tool_use' }), []],
    ['a block of a type of its own', message([{ type: 'web_search_tool_result', content: [] }]), []],
    [
      'a chat completion',
      said({ content: 'Hi' }),
      [
        '/response: must be a text, or a message: "type": "message", "role": "assistant" and a list "content"',
      ],
    ],
    [
      'a message whose calls were taken out',
      message([{ type: 'text', text: 'Hi' }], { stop_reason: 'tool_use' }),
      ['/response/stop_reason: must not be "tool_use": the message uses no tool'],
    ],
    ['a block without a type', message([7]), ['/response/content/0: must be an object with a type']],
    ['a text that is none', message([{ type: 'text' }]), ['/response/content/0/text: must be a text']],
    [
      'a call without an id',
      message([{ ...use, id: '' }]),
      ['/response/content/0/id: must be the id of the call'],
    ],
    [
      'arguments that break the schema of the tool',
      message([{ ...use, input: { amount: 'four' } }]),
      ['/response/content/0/input/amount: must be number'],
    ],
  ])('may be %s or not', async (_what, response, expected) => {
    const { faults: found } = await check(ASKED, response, { isMessages: true });
    expect(found.map(({ pointer, detail }) => `${pointer}: ${detail}`)).toEqual(expected);
  });
});

describe('an answer', () => {
  it.each([
    ['in a chat', 100],
    ['in a long chat, of which no more is read than that', 200_000],
  ])('is checked against the format that is asked for %s', async (_where, length) => {
    const payload = { ...(CHAT as object), messages: [{ role: 'user', content: 'x'.repeat(length) }] };
    const read = jest.spyOn(JSON, 'parse');
    expect(await faults(payload, said({ content: '{"answer":"maybe"}' }))).toEqual([
      expect.stringContaining('must be equal to one of the allowed values'),
    ]);
    expect(await faults({ ...payload, response_format: null }, 'x')).toEqual([]);
    const longest = Math.max(...read.mock.calls.map(([text]) => text.length));
    read.mockRestore();
    expect(longest).toBeLessThan(2000);
  });

  it.each<[string, Json, Json]>([
    ['JSON that fits', CHAT, said({ content: '{"answer":"yes"}' })],
    [
      'parts whose text fits',
      CHAT,
      said({
        content: [
          { type: 'text', text: '{"answer":' },
          { type: 'text', text: '"no"}' },
        ],
      }),
    ],
    ['a bare value, which becomes the text', CHAT, { answer: 'yes' }],
    ['a bare text', CHAT, '{"answer":"no"}'],
    ['a refusal instead', CHAT, said({ content: null, refusal: 'I cannot.' })],
    ['a call of a tool instead', CHAT, calling('any', '{}')],
    ['arguments that fit', WITH_TOOLS, calling('pay', '{"amount":5}')],
    ['arguments of a tool that names no parameters', WITH_TOOLS, calling('wait', '{}')],
    [
      'a call of a tool of another kind',
      WITH_TOOLS,
      said({ content: null, tool_calls: [{ id: 'c', type: 'custom', custom: { name: 'sh', input: 'ls' } }] }),
    ],
    ['text where no format is asked for', { messages }, 'anything'],
    ['any JSON where no chat was asked for', { input: 'x' }, { choices: [] }],
    [
      'an object where one is asked for',
      { messages, response_format: { type: 'json_object' } },
      said({ content: '{}' }),
    ],
    [
      'text where text is asked for',
      { messages, response_format: { type: 'text' } },
      said({ content: 'hi' }),
    ],
    ['reasoning beside the text', { messages }, said({ reasoning_content: 'hm', content: '' })],
  ])('may be %s', async (_name, payload, response) => {
    expect(await check(payload, response)).toEqual({ faults: [], unchecked: [] });
  });

  it.each<[string, Json, Json, string]>([
    ['text for a schema', CHAT, said({ content: 'well, maybe' }), `${CONTENT}: must be JSON`],
    ['bare text for a schema', CHAT, 'well, maybe', '/response: must be JSON'],
    [
      'JSON that breaks the schema',
      CHAT,
      said({ content: '{"answer":"maybe"}' }),
      `${CONTENT}: in its JSON, /answer must be equal to one of the allowed values (["yes","no"])`,
    ],
    [
      'a bare value that breaks it',
      CHAT,
      { answer: 'maybe' },
      '/response/answer: must be equal to one of the allowed values',
    ],
    [
      'more than the schema allows',
      CHAT,
      { answer: 'no', why: 1 },
      '/response: must NOT have additional properties (why)',
    ],
    ['nothing for a schema', CHAT, said({ content: null }), `${CONTENT}: must be JSON`],
    [
      'a list for an object',
      { messages, response_format: { type: 'json_object' } },
      said({ content: '[]' }),
      `${CONTENT}: must be a JSON object`,
    ],
    [
      'text for an object',
      { messages, response_format: { type: 'json_object' } },
      said({ content: '{' }),
      `${CONTENT}: must be JSON`,
    ],
    [
      'arguments that are no JSON',
      WITH_TOOLS,
      calling('pay', '{"amount":5,}'),
      `${CALL}/arguments: must be JSON`,
    ],
    [
      'arguments that are no JSON for tools that nobody listed',
      { messages },
      calling('pay', '{"amount":5,}'),
      `${CALL}/arguments: must be JSON`,
    ],
    [
      'arguments that are no object',
      WITH_TOOLS,
      calling('pay', '5'),
      `${CALL}/arguments: must be a JSON object`,
    ],
    [
      'arguments that are no text',
      WITH_TOOLS,
      calling('pay', { amount: 5 }),
      `${CALL}/arguments: must be JSON as a text`,
    ],
    [
      'arguments that break the parameters',
      WITH_TOOLS,
      calling('pay', '{"amount":"five"}'),
      `${CALL}/arguments: in its JSON, /amount must be number`,
    ],
    [
      'arguments that lack one',
      WITH_TOOLS,
      calling('pay', '{}'),
      `${CALL}/arguments: its JSON must have required property 'amount'`,
    ],
    [
      'a tool that is not offered',
      WITH_TOOLS,
      calling('refund', '{}'),
      `${CALL}/name: is no tool that the request offers (pay, wait)`,
    ],
    ['a call of nothing', { messages }, calling('', '{}'), `${CALL}/name: must name a tool`],
    [
      'an older call of a function',
      { messages, functions: [{ name: 'pay', parameters: { required: ['amount'] } }] },
      said({ content: null, function_call: { name: 'pay', arguments: '{}' } }),
      "/response/choices/0/message/function_call/arguments: its JSON must have required property 'amount'",
    ],
    ['no choices', { messages }, { choices: [] }, '/response/choices: must be a list with a choice'],
    [
      'choices that are none',
      { messages },
      { choices: null },
      '/response/choices: must be a list with a choice',
    ],
    [
      'a choice without a message',
      { messages },
      { choices: [{ index: 0 }] },
      '/response/choices/0/message: must be an object',
    ],
    ['a choice that is none', { messages }, { choices: ['x'] }, '/response/choices/0: must be an object'],
    [
      'a second choice without a message',
      { messages },
      { choices: [{ message: { content: 'a' } }, {}] },
      '/response/choices/1/message: must be an object',
    ],
    [
      'content that is an object',
      { messages },
      said({ content: { a: 1 } }),
      `${CONTENT}: must be a text, a list of parts, or null`,
    ],
    [
      'a part without a type',
      { messages },
      said({ content: [{ text: 'x' }] }),
      `${CONTENT}/0: must be an object with a type`,
    ],
    [
      'calls that are no list',
      { messages },
      said({ content: null, tool_calls: {} }),
      '/response/choices/0/message/tool_calls: must be a list',
    ],
    [
      'a call without a function',
      { messages },
      said({ content: null, tool_calls: [{ id: 't1' }] }),
      `${CALL}: must be an object`,
    ],
    [
      'an empty completion where no chat was asked for',
      { input: 'x' },
      { object: 'chat.completion', choices: [] },
      '/response/choices: must be a list with a choice',
    ],
  ])('may not be %s', async (_name, payload, response, fault) => {
    expect(await faults(payload, response)).toEqual([expect.stringContaining(fault)]);
  });

  describe('of the Responses API', () => {
    const payload: Json = {
      input: 'x',
      text: { format: { type: 'json_schema', name: 'r', schema: SCHEMA } },
      tools: [{ type: 'function', name: 'pay', parameters: { required: ['amount'] } }],
    };
    const output = (...items: Json[]): Json => ({ object: 'response', output: items });
    const message = (text: string): Json => ({ type: 'message', content: [{ type: 'output_text', text }] });

    it('is checked in its own form', async () => {
      expect(await faults(payload, output({ type: 'reasoning' }, message('{"answer":"yes"}')))).toEqual([]);
      expect(await faults(payload, output(message('maybe')))).toEqual([
        expect.stringContaining('/response/output/0/content: must be JSON'),
      ]);
      expect(await faults(payload, output({ type: 'function_call', name: 'pay', arguments: '{}' }))).toEqual([
        "/response/output/0/arguments: its JSON must have required property 'amount'",
      ]);
      expect(await faults(payload, { object: 'response', output: null })).toEqual([
        '/response/output: must be a list',
      ]);
      const refusal: Json = { type: 'message', content: [{ type: 'refusal', refusal: 'No.' }] };
      expect(await faults(payload, output(refusal))).toEqual([]);
    });
  });

  it('of the Messages API is checked in its own form', async () => {
    const payload: Json = { messages, tools: [{ name: 'pay', input_schema: { required: ['amount'] } }] };
    const use = (input: Json): Json => ({
      type: 'message',
      content: [{ type: 'tool_use', id: 'u', name: 'pay', input }],
    });
    expect(await faults(payload, use({ amount: 5 }))).toEqual([]);
    expect(await faults(payload, use({}))).toEqual([
      "/response/content/0/input: must have required property 'amount'",
    ]);
  });

  it('is checked against what the submitter asked for, not against what a reviewer made of that', async () => {
    expect((await check({ messages }, 'maybe', { originalPayload: CHAT })).faults).toHaveLength(1);
    expect((await check(CHAT, 'maybe', { originalPayload: { messages } })).faults).toEqual([]);
  });

  it('is checked against the schema of its job, too', async () => {
    expect((await check({ messages }, 'x', { responseSchema: { type: 'object' } })).faults).toEqual([
      { pointer: '/response', detail: 'must be object' },
    ]);
  });

  describe('that cannot be checked has no fault, and it is said why', () => {
    const unchecked = async (schema: Json, text = '{}'): Promise<string[]> => {
      const found = await check(
        { messages, response_format: { type: 'json_schema', json_schema: { schema } } },
        text,
      );
      expect(found.faults).toEqual([]);
      return found.unchecked.map(({ pointer, detail }) => `${pointer}: ${detail}`);
    };

    it.each<[string, Json, string]>([
      [
        'a schema that makes no sense',
        { type: 'thing' },
        'could not be checked against its schema: schema is invalid',
      ],
      [
        'one that refers to itself without end',
        { $ref: '#' },
        'could not be checked against its schema: Maximum call stack',
      ],
      ['one that refers to elsewhere', { $ref: 'https://example.com/x' }, "can't resolve reference"],
      ['one that is larger than any', { description: 'x'.repeat(70_000) }, 'is longer than 65536 characters'],
    ])('for %s', async (_name, schema, why) => {
      expect(await unchecked(schema)).toEqual([expect.stringContaining(why)]);
    });

    it('for a pattern that has no linear form, and the rest is checked', async () => {
      const schema: Json = { properties: { mail: { pattern: '^(?!\\.)x' }, age: { type: 'number' } } };
      expect(await unchecked(schema, '{"mail":"y"}')).toEqual([
        '/response: the pattern ^(?!\\.)x cannot be checked',
      ]);
      const payload = { messages, response_format: { type: 'json_schema', json_schema: { schema } } };
      expect((await check(payload, '{"mail":"y","age":"old"}')).faults).toHaveLength(1);
    });

    it('for a check that takes too long', async () => {
      const many = JSON.stringify(Array.from({ length: 60_000 }, (_, index) => ({ index })));
      expect(await unchecked({ uniqueItems: true }, many)).toEqual([
        '/response: could not be checked within 500 ms',
      ]);
    });

    it('and many such checks together do not take much longer', async () => {
      const slow = { properties: { a: { uniqueItems: true } } };
      const args = JSON.stringify({ a: Array.from({ length: 60_000 }, (_, index) => ({ index })) });
      const call = { id: 't', type: 'function', function: { name: 'f', arguments: args } };
      const tools = [{ type: 'function', function: { name: 'f', parameters: slow } }];
      const found = await check(
        { messages, tools },
        said({ content: null, tool_calls: Array.from({ length: 12 }, () => call) }),
      );
      expect(found.faults).toEqual([]);
      expect(found.unchecked).toHaveLength(12);
      expect(found.unchecked.at(-1)?.detail).toMatch(/^could not be checked/);
    });
  });
});
