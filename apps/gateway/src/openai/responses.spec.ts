import { describe, expect, it } from '@jest/globals';
import { JsonText, submittedJob, writeJson, type Job, type Json } from '@hitl/domain';
import { aJob } from '@hitl/testing';
import type { JsonObject } from './chat';
import { itemsBehind, jobIdOf, toResponse } from './responses';
import { readResponsesRequest, referencesIn } from './responses-request';

const read = (more: JsonObject, known?: Parameters<typeof readResponsesRequest>[1]) =>
  readResponsesRequest(JsonText.of({ model: 'm', input: 'Name a river.', ...more }), known);
const messagesOf = ({ payload }: ReturnType<typeof read>) => payload.member('messages')?.value;
const REQUEST = { model: 'm', messages: [{ role: 'user', content: 'Name a river.' }] };
const TOOL = { type: 'function', name: 'pay', parameters: { type: 'object' }, strict: true };
const TOOLS = [{ type: 'function', function: { name: 'pay', parameters: { type: 'object' }, strict: true } }];

describe('a request of the Responses API', () => {
  it.each<[string, JsonObject]>([
    ['tools', { tools: [] }],
    ['tool_choice', { tool_choice: 'auto' }],
    ['tool_choice none', { tool_choice: 'none' }],
    ['parallel_tool_calls', { parallel_tool_calls: true }],
    ['reasoning', { reasoning: {} }],
    ['empty reasoning', { reasoning: { effort: null, summary: null } }],
    ['a summary if there is one', { reasoning: { summary: 'auto' } }],
    ['truncation', { truncation: 'disabled' }],
    ['text', { text: { format: { type: 'text' } } }],
    ['include', { include: [] }],
    ['encrypted reasoning', { include: ['reasoning.encrypted_content'] }],
    ['store', { store: false }],
    ['stream', { stream: false }],
    ['metadata', { metadata: { a: 'b' } }],
    ['client_metadata', { client_metadata: { a: 'b' } }],
    ['null', { previous_response_id: null, conversation: null, prompt: null, tools: null, text: null }],
  ])('reaches the model as the chat alone when it asks for nothing by %s', (_what, more) => {
    expect(read(more).payload.value).toEqual(REQUEST);
  });

  it.each<[string, JsonObject, JsonObject]>([
    [
      'what chats call the same',
      { temperature: 0.5, top_p: 1, user: 'u', service_tier: 'flex', prompt_cache_key: 'k' },
      { temperature: 0.5, top_p: 1, user: 'u', service_tier: 'flex', prompt_cache_key: 'k' },
    ],
    ['the effort', { reasoning: { effort: 'low' } }, { reasoning_effort: 'low' }],
    ['the verbosity', { text: { verbosity: 'low' } }, { verbosity: 'low' }],
    [
      'a schema',
      { text: { format: { type: 'json_schema', name: 'x', schema: {} } } },
      { response_format: { type: 'json_schema', json_schema: { name: 'x', schema: {} } } },
    ],
    [
      'logprobs',
      { include: ['message.output_text.logprobs'], top_logprobs: 2 },
      { logprobs: true, top_logprobs: 2 },
    ],
    [
      'functions',
      { tools: [TOOL], tool_choice: 'auto', parallel_tool_calls: false },
      { tools: TOOLS, parallel_tool_calls: false },
    ],
    [
      'a chosen function',
      { tools: [TOOL], tool_choice: { type: 'function', name: 'pay' } },
      { tools: TOOLS, tool_choice: { type: 'function', function: { name: 'pay' } } },
    ],
  ])('is translated: %s', (_what, more, translated) => {
    expect(read(more).payload.value).toEqual({ ...REQUEST, ...translated });
  });

  it.each([
    ['gpt-4o', 'max_tokens'],
    ['mistral-large', 'max_tokens'],
    ['gpt-4.1-mini', 'max_tokens'],
    ['o4-mini', 'max_completion_tokens'],
    ['openai/o3', 'max_completion_tokens'],
    ['gpt-5-mini', 'max_completion_tokens'],
    ['gpt-5.2', 'max_completion_tokens'],
  ])('limits the output of %s by %s', (model, name) => {
    expect(read({ model, max_output_tokens: 50 }).payload.value).toMatchObject({ [name]: 50 });
  });

  it('takes back the items that earlier responses had', () => {
    const input: Json = [
      {
        role: 'user',
        content: [
          { type: 'input_text', text: 'Pay' },
          { type: 'input_image', image_url: 'data:,', detail: 'low' },
        ],
      },
      { type: 'reasoning', id: 'rs_1', summary: [] },
      {
        type: 'message',
        role: 'assistant',
        content: [
          { type: 'output_text', text: 'How much?', annotations: [] },
          { type: 'refusal', refusal: 'No.' },
        ],
      },
      { type: 'function_call', call_id: 'c1', name: 'pay', arguments: '{"n":1}' },
      { type: 'function_call', call_id: 'c2', name: 'pay', arguments: '{"n":2}' },
      { type: 'function_call_output', call_id: 'c1', output: 'ok' },
      { type: 'function_call_output', call_id: 'c2', output: [{ type: 'input_text', text: 'ok' }] },
    ];
    expect(messagesOf(read({ input }))).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Pay' },
          { type: 'image_url', image_url: { url: 'data:,', detail: 'low' } },
        ],
      },
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'How much?' },
          { type: 'refusal', refusal: 'No.' },
        ],
        tool_calls: [
          { id: 'c1', type: 'function', function: { name: 'pay', arguments: '{"n":1}' } },
          { id: 'c2', type: 'function', function: { name: 'pay', arguments: '{"n":2}' } },
        ],
      },
      { role: 'tool', tool_call_id: 'c1', content: 'ok' },
      { role: 'tool', tool_call_id: 'c2', content: [{ type: 'text', text: 'ok' }] },
    ]);
  });

  it('is bounded in its numbers', () => {
    const numbers = (count: number) =>
      new JsonText(`{"model":"m","input":"Hi","metadata":{"n":[${Array(count).fill('1.0').join(',')}]}}`);
    expect(readResponsesRequest(numbers(100_000)).metadata?.n).toMatch(/^\[1\.0,/);
    expect(() => readResponsesRequest(numbers(100_001))).toThrow('the body has more than 100000 numbers');
  });

  it('may refer to them by their ids', () => {
    const item = {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      content: [{ type: 'output_text', text: 'Rhine' }],
    };
    const input: Json = [
      { type: 'item_reference', id: 'msg_1' },
      { role: 'user', content: 'Another' },
    ];
    expect(referencesIn(JsonText.of({ input }))).toEqual(['msg_1']);
    expect(messagesOf(read({ input }, new Map([['msg_1', item]])))).toEqual([
      { role: 'assistant', content: [{ type: 'text', text: 'Rhine' }] },
      { role: 'user', content: 'Another' },
    ]);
    expect(() => read({ input })).toThrow('"input[0].id": refers to no item');
    expect(() => referencesIn(JsonText.of({ input: Array(101).fill(input[0]) }))).toThrow(
      'more than 100 references',
    );
  });

  it.each<[string, JsonObject]>([
    ['previous_response_id', { previous_response_id: 'resp_1' }],
    ['conversation', { conversation: 'c' }],
    ['stream', { stream: true }],
    ['tools[0]', { tools: [{ type: 'web_search' }] }],
    ['tool_choice', { tool_choice: 'required' }],
    ['reasoning.summary', { reasoning: { summary: 'detailed' } }],
    ['truncation', { truncation: 'maybe' }],
    ['store', { store: 'no' }],
    ['input', { input: '' }],
    ['input', { input: [] }],
    ['input', { input: [{ type: 'reasoning', summary: [] }] }],
    ['input[0]', { input: [{ type: 'computer_call' }] }],
    ['input[0].content[0]', { input: [{ role: 'user', content: [{ type: 'input_image', file_id: 'f' }] }] }],
  ])('is refused by the name of what it asks for: %s', (name, more) => {
    expect(() => read(more)).toThrow(`"${name}":`);
  });
});

describe('a response', () => {
  const job = (response: Json, asked: JsonObject = {}): Job =>
    Object.assign(submittedJob({ ...aJob(), ...read(asked) }, new Date(1_700_000_000_000)), {
      status: 'success' as const,
      response: JsonText.of(response),
      finishedAt: new Date(1_700_000_001_000),
    });
  const answer = (message: JsonObject, more: JsonObject = {}, usage?: JsonObject): Json => ({
    id: 'c',
    object: 'chat.completion',
    created: 1,
    model: 'm-2026',
    choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: 'stop', ...more }],
    ...(usage && { usage }),
  });

  it('says what was asked', () => {
    const asked = {
      instructions: 'Be brief.',
      store: false,
      truncation: 'auto',
      text: { format: { type: 'json_object' }, verbosity: 'low' },
      reasoning: { effort: 'low' },
      tools: [TOOL],
      tool_choice: 'required',
      parallel_tool_calls: false,
      max_output_tokens: 50,
      temperature: 0.5,
      background: true,
      metadata: { n: 5, t: 'x' },
      user: 'u',
      service_tier: 'flex',
    };
    expect(toResponse(job(answer({ content: 'a' }), asked))).toMatchObject(asked);
  });

  it('has each number as it was asked, or answered', () => {
    const asked = {
      temperature: new JsonText('1.0'),
      tools: [{ ...TOOL, parameters: new JsonText('{"a":9223372036854775807}') }],
    };
    const { payload, ...submission } = readResponsesRequest(
      JsonText.of({ model: 'm', input: 'x', ...asked }),
    );
    expect(payload.text).toContain('"temperature":1.0');
    expect(payload.text).toContain('{"a":9223372036854775807}');
    const response = new JsonText(
      '{"choices":[{"message":{"content":"a"},"logprobs":{"content":[{"logprob":-1.0e-7}]}}],"usage":{"prompt_tokens":3.0}}',
    );
    const whole = Object.assign(job(null), { response, askedFor: submission.askedFor });
    const told = writeJson(toResponse(whole));
    for (const part of [
      '"temperature":1.0',
      '{"a":9223372036854775807}',
      '"logprob":-1.0e-7',
      '"input_tokens":3',
    ])
      expect(told).toContain(part);
  });

  it('makes nothing up where nothing was asked or said', () => {
    const response = toResponse(job(answer({ content: 'a' })));
    expect(response).toMatchObject({
      model: 'm-2026',
      background: false,
      instructions: null,
      max_output_tokens: null,
      temperature: null,
      text: { format: { type: 'text' } },
      tools: [],
      metadata: {},
    });
    expect(response).not.toHaveProperty('usage');
    expect(response).not.toHaveProperty('service_tier');
  });

  it('has the usage of the answer, in detail', () => {
    const usage = {
      prompt_tokens: 100,
      completion_tokens: 60,
      total_tokens: 160,
      prompt_tokens_details: { cached_tokens: 64, audio_tokens: null },
      completion_tokens_details: { reasoning_tokens: 50 },
    };
    expect(toResponse(job(answer({ content: 'a' }, {}, usage))).usage).toEqual({
      input_tokens: 100,
      input_tokens_details: { cached_tokens: 64 },
      output_tokens: 60,
      output_tokens_details: { reasoning_tokens: 50 },
      total_tokens: 160,
    });
  });

  it.each([
    ['length', 'max_output_tokens'],
    ['content_filter', 'content_filter'],
  ])('is incomplete when the model stopped for %s', (finish_reason, reason) => {
    const response = toResponse(job(answer({ content: 'Once' }, { finish_reason })));
    expect(response).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason },
      output: [{ type: 'message', status: 'incomplete', content: [{ text: 'Once' }] }],
    });
  });

  it.each<[string, JsonObject, JsonObject[]]>([
    ['a text', { content: 'a' }, [{ type: 'message', content: [{ type: 'output_text', text: 'a' }] }]],
    ['nothing', { content: null }, [{ type: 'message', content: [{ type: 'output_text', text: '' }] }]],
    [
      'a refusal',
      { content: null, refusal: 'No.' },
      [{ type: 'message', content: [{ type: 'refusal', refusal: 'No.' }] }],
    ],
    [
      'calls',
      {
        content: null,
        tool_calls: [{ id: 't1', type: 'function', function: { name: 'pay', arguments: '{}' } }],
      },
      [{ type: 'function_call', call_id: 't1', name: 'pay', arguments: '{}', status: 'completed' }],
    ],
    [
      'words and calls',
      {
        content: 'Wait.',
        tool_calls: [{ id: 't1', type: 'function', function: { name: 'pay', arguments: '{}' } }],
      },
      [{ type: 'message', content: [{ text: 'Wait.' }] }, { type: 'function_call' }],
    ],
    [
      'thoughts',
      { content: 'a', reasoning_content: 'hm' },
      [
        { type: 'reasoning', content: [{ type: 'reasoning_text', text: 'hm' }] },
        { type: 'message', content: [{ text: 'a' }] },
      ],
    ],
    [
      'parts',
      {
        content: [
          { type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] },
          { type: 'text', text: 'a' },
        ],
      },
      [
        { type: 'reasoning', content: [{ text: 'hm' }] },
        { type: 'message', content: [{ text: 'a' }] },
      ],
    ],
    [
      'citations',
      {
        content: 'a',
        annotations: [{ type: 'url_citation', url_citation: { url: 'https://e.com', start_index: 0 } }],
      },
      [
        {
          type: 'message',
          content: [{ annotations: [{ type: 'url_citation', url: 'https://e.com', start_index: 0 }] }],
        },
      ],
    ],
  ])('delivers %s as such', (_what, message, output) => {
    const got = toResponse(job(answer(message))).output as JsonObject[];
    expect(got).toMatchObject(output);
    expect(got).toHaveLength(output.length);
  });

  it('has items that a later request can refer to, by ids that lead to the job', () => {
    const calls = [1, 2].map((n) => ({
      id: `t${n}`,
      type: 'function',
      function: { name: 'pay', arguments: '{}' },
    }));
    const whole = job(answer({ content: 'a', reasoning: 'hm', tool_calls: calls }));
    const ids = [...itemsBehind([whole]).keys()];
    expect(new Set(ids).size).toBe(4);
    for (const id of [...ids, `resp_${whole.id}`]) expect(jobIdOf(id)).toBe(whole.id);
    expect(itemsBehind([Object.assign(whole, { status: 'human' })]).size).toBe(0);
  });

  it('of a rejected answer carries the words of the reviewer', () => {
    const rejected = Object.assign(job(null), {
      status: 'fail',
      failureReason: 'rejected',
      failureDetail: 'Not our tone.',
    } as const);
    expect(toResponse(rejected)).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'content_filter' },
      error: { type: 'invalid_request_error', code: 'answer_rejected', message: 'Not our tone.' },
      output: [],
    });
  });

  it('of a failed model has its code and type', () => {
    const modelFailure = {
      status: 400,
      code: 'context_length_exceeded',
      type: 'invalid_request_error',
      param: 'messages',
    };
    const failed = Object.assign(job(null), {
      status: 'fail',
      failureReason: 'inference_failed',
      failureDetail: 'Too long.',
      modelFailure,
    } as const);
    expect(toResponse(failed)).toMatchObject({
      status: 'failed',
      error: {
        type: 'invalid_request_error',
        code: 'context_length_exceeded',
        param: 'messages',
        message: 'Too long.',
      },
    });
  });
});
