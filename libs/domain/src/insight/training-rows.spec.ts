import { describe, expect, it } from '@jest/globals';
import { type Json, JsonText, writeJson } from '../json';
import { preferenceRow, sftRow } from './training-rows';

const KNOWN = { jobId: 'a-job', model: 'm', finishedAt: new Date('2026-01-31T09:00:00Z') };
const sft = (payload: Json, response: Json = 'yes') =>
  sftRow({ ...KNOWN, edited: false, payload: JsonText.of(payload), response: JsonText.of(response) });
const completionOf = (response: Json) => sft('q', response)?.completion;
const chat = (...messages: Json[]) => ({ model: 'm', messages });
const said = (message: Json): Json => ({
  choices: [{ index: 0, message }, { message: { content: 'another' } }],
});
const assistant = (content: string) => [{ role: 'assistant', content }];

describe('a line of supervised fine-tuning', () => {
  it('is prompt and completion as messages, and where they come from', () => {
    const messages = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Hi' },
    ];
    expect(sft(chat(...messages), said({ role: 'assistant', content: 'Hello.', refusal: null }))).toEqual({
      prompt: messages,
      completion: assistant('Hello.'),
      job_id: 'a-job',
      model: 'm',
      edited: false,
      finished_at: '2026-01-31T09:00:00.000Z',
    });
  });

  it.each<[Json, string]>([
    ['plain', 'plain'],
    [{ input: 'x' }, '{"input":"x"}'],
    [{ messages: [] }, '{"messages":[]}'],
    [{ messages: 'x' }, '{"messages":"x"}'],
    [[1, 2], '[1,2]'],
    [0, '0'],
    [null, 'null'],
  ])('tells the payload %j as one message of the user', (payload, content) => {
    expect(sft(payload)?.prompt).toEqual([{ role: 'user', content }]);
  });

  it('tells JSON as it is written, and keeps the numbers of a chat', () => {
    const [payload, response] = [new JsonText('{ "n":1.0}'), new JsonText('[1e400, 12345678901234567890]')];
    const row = sftRow({ ...KNOWN, edited: false, payload, response });
    expect(row).toMatchObject({
      prompt: [{ role: 'user', content: '{ "n":1.0}' }],
      completion: assistant('[1e400, 12345678901234567890]'),
    });
    const messages = '[{"role":"user","content":"x","weight":12345678901234567890}]';
    const told = sftRow({
      ...KNOWN,
      edited: false,
      payload: new JsonText(`{"messages":${messages}}`),
      response,
    });
    expect(writeJson(told?.prompt)).toBe(messages);
  });

  it("knows the system prompt and the thinking of Anthropic's Messages API for what they are", () => {
    const payload = {
      system: [{ type: 'text', text: 'Be brief.' }],
      ...chat({ role: 'user', content: 'Hi' }),
    };
    const message = (...content: Json[]) => ({ type: 'message', role: 'assistant', content });
    const text = { type: 'text', text: 'Hello.' };
    const row = sft(payload, message({ type: 'thinking', thinking: 'A greeting.', signature: 's' }, text));
    expect(row?.prompt).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Hi' },
    ]);
    expect(row?.completion).toEqual(assistant('Hello.'));
    expect(sft(payload, message(text, { type: 'tool_use', id: 't', name: 'f', input: {} }))).toBeNull();
  });

  it('joins parts of text, and keeps what else a message has', () => {
    const call = [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }];
    const messages: Json[] = [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'a' },
          { type: 'text', text: 'b' },
        ],
        name: 'ann',
      },
      { role: 'assistant', content: null, tool_calls: call },
      { role: 'tool', tool_call_id: 'c', content: '7' },
    ];
    expect(sft(chat(...messages))?.prompt).toEqual([
      { role: 'user', content: 'ab', name: 'ann' },
      { role: 'assistant', content: null, tool_calls: call },
      { role: 'tool', tool_call_id: 'c', content: '7' },
    ]);
  });

  it.each<[string, Json]>([
    ['an image', { role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://x' } }] }],
    ['a content that is no text', { role: 'user', content: { text: 'x' } }],
    ['a message without a role', { content: 'x' }],
    ['a message that is none', 'x'],
  ])('is left out for %s in the chat', (_name: string, message: Json) => {
    expect(sft(chat(message))).toBeNull();
  });

  it.each<[Json, string]>([
    ['text', 'text'],
    [
      said({
        role: 'assistant',
        content: [
          { type: 'text', text: 'a' },
          { type: 'text', text: 'b' },
        ],
      }),
      'ab',
    ],
    [
      { type: 'message', role: 'assistant', content: [{ type: 'text', text: 'from a block' }] },
      'from a block',
    ],
    [{ answer: 4 }, '{"answer":4}'],
    [{ choices: [] }, '{"choices":[]}'],
    [[1], '[1]'],
    [false, 'false'],
  ])('takes the text of the answer %j', (response: Json, text: string) => {
    expect(completionOf(response)).toEqual(assistant(text));
  });

  it.each<[string, Json]>([
    ['an empty text', ''],
    ['no text', said({ role: 'assistant', content: null })],
    ['an empty answer', said({ role: 'assistant', content: '' })],
    ['calls of tools', said({ role: 'assistant', content: 'Let me see.', tool_calls: [{ id: 'c' }] })],
    [
      'blocks beside text',
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'a' },
          { type: 'tool_use', id: 'c' },
        ],
      },
    ],
  ])('is left out for %s', (_name: string, response: Json) => {
    expect(completionOf(response)).toBeUndefined();
  });
});

describe('a line of preference tuning', () => {
  const correction = {
    ...KNOWN,
    kind: 'edit' as const,
    payload: JsonText.of('q'),
    chosen: JsonText.of('good'),
    rejected: JsonText.of(said({ content: 'bad' })),
  };

  it('is prompt, chosen and rejected as messages', () => {
    expect(preferenceRow(correction)).toEqual({
      prompt: [{ role: 'user', content: 'q' }],
      chosen: assistant('good'),
      rejected: assistant('bad'),
      job_id: 'a-job',
      kind: 'edit',
      model: 'm',
      finished_at: '2026-01-31T09:00:00.000Z',
    });
  });

  it('is left out where both read the same, or one of them is not text', () => {
    expect(preferenceRow({ ...correction, rejected: JsonText.of(said({ content: 'good' })) })).toBeNull();
    expect(preferenceRow({ ...correction, rejected: JsonText.of(said({ content: null })) })).toBeNull();
    expect(preferenceRow({ ...correction, chosen: JsonText.of('') })).toBeNull();
    expect(preferenceRow({ ...correction, payload: JsonText.of(chat('x')) })).toBeNull();
  });
});
