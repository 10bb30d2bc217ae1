import { describe, expect, it } from '@jest/globals';
import type { Json } from '../../api/client';
import { jsonSource, NULL, type JsonSource } from '../../json/source';
import { edited, editable, textOf } from './answer';
import { rowsOf, showMore, toggle, UNTOUCHED } from '../../content/json-rows';
import { conversationOf } from '../request/request';

const source = (value: Json): JsonSource => jsonSource(JSON.stringify(value));
const chat = (message: Json, more: Json[] = []): JsonSource =>
  source({ id: 'x', choices: [{ index: 0, message }, ...more] });

describe('the text of an answer', () => {
  it('is the message of a chat, or the text itself', () => {
    expect(textOf(chat({ role: 'assistant', content: 'Hi', refusal: null, annotations: [] }))).toBe('Hi');
    expect(textOf(source('Hi'))).toBe('Hi');
  });

  it.each<[string, JsonSource]>([
    ['a tool call', chat({ role: 'assistant', content: 'Hi', tool_calls: [{ id: '1' }] })],
    ['a second choice', chat({ role: 'assistant', content: 'Hi' }, [{ message: { content: 'Ho' } }])],
    ['reasoning', chat({ role: 'assistant', content: 'Hi', reasoning_content: 'because' })],
    ['other JSON', source({ answer: 4 })],
    ['null', NULL],
    ['a second text', jsonSource('{"choices": [{"message": {"content": "Hi", "content": "Ho"}}]}')],
    ['a second id', jsonSource('{"id": 1, "choices": [{"message": {"content": "Hi"}}], "id": 2}')],
  ])('is none where %s would go unseen', (_what, response) => {
    expect(textOf(response)).toBeNull();
  });

  it('can be changed, and nothing else of the answer with it', () => {
    const before =
      '{ "2": 1, "1": 1.0,\n"choices":[{"message" : {"content": "H\\u0069", "role": "assistant"}, "logprob":1e400}],"id":12345678901234567890, "__proto__": 7}';
    const response = jsonSource(before);
    expect(textOf(response)).toBe('Hi');
    expect(edited(response, 'Hi')).toBe(before);
    expect(edited(response, 'Ho "\ud800')).toBe(before.replace('"H\\u0069"', '"Ho \\"\\ud800"'));
    expect(edited(source('Hi'), 'Ho')).toBe('"Ho"');
  });

  it('keeps its line ends, which editors know as one', () => {
    const response = source('a\r\nb');
    expect(editable(response).text).toBe('a\nb');
    expect(edited(response, 'a\nb')).toBe(response);
    expect(edited(response, 'a\nb\nc')).toBe(source('a\r\nb\r\nc'));
    expect(editable(source('a\r\nb\n')).text).toBe('a\r\nb\n');
  });

  it.each<JsonSource>([
    source({ a: [1, 'x', null] }),
    source(7),
    source('text'),
    source([]),
    jsonSource('{"a":\r\n1.0}'),
    chat({ role: 'assistant', content: 'Hi' }),
  ])('is edited back into the same answer: %s', (response) => {
    expect(edited(response, editable(response).text)).toBe(response);
  });

  it('is, where JSON is edited, exactly what was typed', () => {
    const typed = '{"b": 1.0,\n  "2": 12345678901234567890, "1": [1e400,-0]}';
    expect(edited(source({ a: 1 }), typed)).toBe(typed);
  });

  it('refuses an edit of JSON that is none, or says one thing twice', () => {
    expect(() => edited(source({ a: 1 }), '{')).toThrow(SyntaxError);
    expect(() => edited(source({ a: 1 }), '{"of": [0, {"a": 1, "\\u0061": 2}]}')).toThrow(
      '"a" is there twice in /of/1: take one away, since readers differ on which one counts',
    );
  });
});

describe('a request', () => {
  it('is a conversation with its other fields beside it', () => {
    const payload: { model: string; messages: Json[] } = {
      model: 'm',
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'a' },
            { type: 'image_url', image_url: { url: 'u' } },
          ],
        },
        { role: 'assistant', content: null, tool_calls: [] },
      ],
    };
    expect(conversationOf(source(payload))).toEqual({
      turns: [
        {
          role: 'user',
          text: 'a',
          rest: source({ parts: [{ type: 'image_url', image_url: { url: 'u' } }] }),
        },
        { role: 'assistant', text: '', rest: source(payload.messages[1] ?? null) },
      ],
      rest: source({ model: 'm' }),
    });
  });

  it('keeps the digits and the order of what is beside the conversation', () => {
    const conversation = conversationOf(
      jsonSource('{"seed": 12345678901234567890, "input": "x", "2": 1.0, "1": 1e400, "__proto__": 1}'),
    );
    expect(conversation?.rest).toBe('{"seed":12345678901234567890,"2":1.0,"1":1e400,"__proto__":1}');
  });

  it.each<Json>([
    'text',
    7,
    null,
    { messages: 'no' },
    { messages: [7] },
    { messages: [] },
    { question: 'x' },
  ])('is none when it is %j', (payload) => {
    expect(conversationOf(source(payload))).toBeNull();
  });
});

describe('a tree of JSON', () => {
  it('is open to its depth where it is small: what is delivered is seen', () => {
    const value = { lines: [{ price: { of: [215] } }] };
    expect(rowsOf(source(value), UNTOUCHED).map(({ kind }) => kind)).not.toContain('closed');
  });

  it('is open two levels deep where it is not, and opens and closes', () => {
    const many = Array.from({ length: 99 }, (_, index) => index);
    const value = { a: { b: { c: 1, many } }, d: [] };
    expect(rowsOf(source(value), UNTOUCHED).map(({ path, kind }) => [path, kind])).toEqual([
      ['', 'open'],
      ['/a', 'open'],
      ['/a/b', 'closed'],
      ['/d', 'leaf'],
    ]);
    const opened = toggle(UNTOUCHED, '/a/b');
    expect(rowsOf(source(value), opened).map(({ path }) => path)).toContain('/a/b/c');
    expect(rowsOf(source(value), toggle(opened, '')).map(({ path }) => path)).toEqual(['']);
  });

  it('shows a hundred members at first, and more when asked', () => {
    const value = Array.from({ length: 5000 }, (_, index) => index);
    const rows = rowsOf(source(value), UNTOUCHED);
    expect(rows).toHaveLength(102);
    expect(rows.at(-1)).toMatchObject({ kind: 'more', count: 4900 });
    expect(rowsOf(source(value), showMore(UNTOUCHED, ''))).toHaveLength(1002);
  });

  it('ends at a depth that nobody follows, without running out of stack', () => {
    const value = jsonSource(`${'['.repeat(100_000)}1${']'.repeat(100_000)}`);
    const toggled = new Set<string>();
    for (let depth = 2; depth < 200; depth += 1) toggled.add('/0'.repeat(depth));
    const rows = rowsOf(value, { ...UNTOUCHED, toggled });
    expect(rows.at(-1)).toMatchObject({ kind: 'too deep', depth: 100 });
  });

  it('shows the fields in the order in which they were written, numbers with all their digits, and what is there twice', () => {
    const value = jsonSource('{"2": 1.0, "1": 12345678901234567890, "__proto__": 1e400, "2": -0}');
    expect(rowsOf(value, UNTOUCHED).map(({ path, name, json }) => [path, name, json])).toEqual([
      ['', null, value],
      ['/2', '2', '1.0'],
      ['/1', '1', '12345678901234567890'],
      ['/__proto__', '__proto__', '1e400'],
      ['/2 again', '2', '-0'],
    ]);
  });

  it('opens the arguments of a call, which are a text', () => {
    const call = source({ arguments: '{"b": 12345678901234567890, "a": 1.0}', name: '{"a": 1}' });
    expect(rowsOf(call, UNTOUCHED).map(({ path, isText, json }) => [path, isText, json])).toEqual([
      ['', false, call],
      ['/arguments', true, '{"b": 12345678901234567890, "a": 1.0}'],
      ['/arguments/b', false, '12345678901234567890'],
      ['/arguments/a', false, '1.0'],
      ['/name', false, '"{\\"a\\": 1}"'],
    ]);
  });

  it.each(['{}', 'no JSON', '12', ''])('leaves arguments alone that are %j', (text) => {
    const rows = rowsOf(source({ arguments: text }), UNTOUCHED);
    expect(rows.at(-1)).toMatchObject({ path: '/arguments', isText: false, kind: 'leaf' });
  });
});
