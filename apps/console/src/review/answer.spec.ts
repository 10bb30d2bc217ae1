import { describe, expect, it } from '@jest/globals';
import type { Json } from '../api/client';
import { edited, editable, textOf, withText } from './answer';
import { rowsOf, showMore, toggle, UNTOUCHED } from './json-rows';
import { conversationOf } from './request';

const chat = (message: Json, more: Json[] = []): Json => ({
  id: 'x',
  choices: [{ index: 0, message }, ...more],
});

describe('the text of an answer', () => {
  it('is the message of a chat, or the text itself', () => {
    expect(textOf(chat({ role: 'assistant', content: 'Hi', refusal: null, annotations: [] }))).toBe('Hi');
    expect(textOf('Hi')).toBe('Hi');
  });

  it.each<[string, Json]>([
    ['a tool call', chat({ role: 'assistant', content: 'Hi', tool_calls: [{ id: '1' }] })],
    ['a second choice', chat({ role: 'assistant', content: 'Hi' }, [{ message: { content: 'Ho' } }])],
    ['reasoning', chat({ role: 'assistant', content: 'Hi', reasoning_content: 'because' })],
    ['other JSON', { answer: 4 }],
    ['null', null],
  ])('is none where %s would go unseen', (_what, response) => {
    expect(textOf(response)).toBeNull();
  });

  it('can be changed, and nothing else of the answer with it', () => {
    const response = chat({ role: 'assistant', content: 'Hi' });
    expect(withText(response, 'Ho')).toEqual(chat({ role: 'assistant', content: 'Ho' }));
    expect(textOf(response)).toBe('Hi');
  });

  it.each<Json>([{ a: [1, 'x', null] }, 7, 'text', [], chat({ role: 'assistant', content: 'Hi' })])(
    'is edited back into the same answer: %j',
    (response) => {
      expect(edited(response, editable(response).text)).toEqual(response);
    },
  );

  it('refuses an edit of JSON that is none', () => {
    expect(() => edited({ a: 1 }, '{')).toThrow(SyntaxError);
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
    expect(conversationOf(payload)).toEqual({
      turns: [
        { role: 'user', text: 'a', rest: { parts: [{ type: 'image_url', image_url: { url: 'u' } }] } },
        { role: 'assistant', text: '', rest: payload.messages[1] },
      ],
      rest: { model: 'm' },
    });
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
    expect(conversationOf(payload)).toBeNull();
  });
});

describe('a tree of JSON', () => {
  it('is open to its depth where it is small: what is delivered is seen', () => {
    const value = { lines: [{ price: { of: [215] } }] };
    expect(rowsOf(value, UNTOUCHED).map(({ kind }) => kind)).not.toContain('closed');
  });

  it('is open two levels deep where it is not, and opens and closes', () => {
    const many = Array.from({ length: 99 }, (_, index) => index);
    const value = { a: { b: { c: 1, many } }, d: [] };
    expect(rowsOf(value, UNTOUCHED).map(({ path, kind }) => [path, kind])).toEqual([
      ['', 'open'],
      ['/a', 'open'],
      ['/a/b', 'closed'],
      ['/d', 'leaf'],
    ]);
    const opened = toggle(UNTOUCHED, '/a/b');
    expect(rowsOf(value, opened).map(({ path }) => path)).toContain('/a/b/c');
    expect(rowsOf(value, toggle(opened, '')).map(({ path }) => path)).toEqual(['']);
  });

  it('shows a hundred members at first, and more when asked', () => {
    const value = Array.from({ length: 5000 }, (_, index) => index);
    const rows = rowsOf(value, UNTOUCHED);
    expect(rows).toHaveLength(102);
    expect(rows.at(-1)).toMatchObject({ kind: 'more', count: 4900 });
    expect(rowsOf(value, showMore(UNTOUCHED, ''))).toHaveLength(1002);
  });

  it('ends at a depth that nobody follows, without running out of stack', () => {
    let value: Json = 'bottom';
    const toggled = new Set<string>();
    for (let depth = 0; depth < 100_000; depth += 1) value = [value];
    for (let depth = 2; depth < 200; depth += 1) toggled.add('/0'.repeat(depth));
    const rows = rowsOf(value, { ...UNTOUCHED, toggled });
    expect(rows.at(-1)).toMatchObject({ kind: 'too deep', depth: 100 });
  });
});
