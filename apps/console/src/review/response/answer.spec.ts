import { describe, expect, it } from '@jest/globals';
import { jsonSource, NULL, type Json, type JsonSource } from '../../json/source';
import { blocksOf, edited, editable, textOf } from './answer';

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

  it("is the only block of a message of Anthropic's API, and can be changed in its place", () => {
    const message = (content: Json) => source({ id: 'msg_1', type: 'message', role: 'assistant', content });
    const text = (words: string) => ({ type: 'text', text: words, citations: null });
    expect(textOf(message([text('Hi')]))).toBe('Hi');
    expect(edited(message([text('Hi')]), 'Ho')).toBe(message([text('Ho')]));
    const call = { type: 'tool_use', id: 't', name: 'pay', input: { amount: 1 } };
    const thought = { type: 'thinking', thinking: 'Hm.', signature: 's' };
    for (const more of [text('Ho'), call, thought]) expect(textOf(message([text('Hi'), more]))).toBeNull();
    expect(textOf(message([{ ...text('Hi'), citations: [{ url: 'u' }] }]))).toBeNull();
    expect(blocksOf(message([thought, call]))).toEqual({
      blocks: [
        { type: 'thinking', name: null, text: 'Hm.', rest: source({ signature: 's' }) },
        { type: 'tool_use', name: 'pay', text: null, rest: source({ id: 't', input: { amount: 1 } }) },
      ],
      rest: source({ id: 'msg_1' }),
    });
    expect(blocksOf(chat({ content: 'Hi' }))).toBeNull();
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
