import { describe, expect, it } from '@jest/globals';
import { jsonSource, type Json, type JsonSource } from '../../json/source';
import { conversationOf } from './request';

const source = (value: Json): JsonSource => jsonSource(JSON.stringify(value));

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

  it("begins with the system prompt of Anthropic's Messages API", () => {
    const system: Json = [{ type: 'text', text: 'Be brief.' }];
    const payload: Json = { model: 'm', system, messages: [{ role: 'user', content: 'Hi' }] };
    expect(conversationOf(source(payload))).toEqual({
      turns: [
        { role: 'system', text: 'Be brief.', rest: null },
        { role: 'user', text: 'Hi', rest: null },
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
