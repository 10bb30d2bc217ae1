import { describe, expect, it } from '@jest/globals';
import type { Json } from '@hitl/domain';
import { withFeedback } from './feedback';

describe('what reviewers asked for', () => {
  it('changes nothing when they asked for nothing', () => {
    const payload = { messages: [] };
    expect(withFeedback(payload, [])).toBe(payload);
  });

  it('comes as one user message each, after those of a chat', () => {
    const chat = { model: 'm', messages: [{ role: 'user', content: 'hi' }] };
    expect(withFeedback(chat, ['shorter', 'kinder'])).toEqual({
      model: 'm',
      messages: [
        { role: 'user', content: 'hi' },
        { role: 'user', content: 'shorter' },
        { role: 'user', content: 'kinder' },
      ],
    });
    expect(chat.messages).toHaveLength(1);
  });

  it.each<[string, Json, Json]>([
    ['beside the input of an object', { input: 'x' }, { input: 'x', feedback: 'a\nb' }],
    ['beside messages that are no list', { messages: 'x' }, { messages: 'x', feedback: 'a\nb' }],
    ['instead of an older feedback', { input: 1, feedback: 'old' }, { input: 1, feedback: 'a\nb' }],
    ['beside a text', 'x', { input: 'x', feedback: 'a\nb' }],
    ['beside a list', [1], { input: [1], feedback: 'a\nb' }],
    ['beside null', null, { input: null, feedback: 'a\nb' }],
  ])('comes %s', (_name, payload, expected) => {
    expect(withFeedback(payload, ['a', 'b'])).toEqual(expected);
  });
});
