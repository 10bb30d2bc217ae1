import { describe, expect, it } from '@jest/globals';
import { JsonText } from '../json';
import { summaryOf } from './asked';

describe('what is listed of a payload', () => {
  it.each([
    [
      'the last user message',
      '{"messages":[{"role":"user","content":"a"},{"role":"user","content":"b"},{"role":"tool"}]}',
      'b',
    ],
    [
      'the texts of its parts',
      '{"input":[{"role":"user","content":[{"text":"a"},{"type":"image"},{"text":"b"}]}]}',
      'a b',
    ],
    [
      'the last text before the results of tools',
      '{"messages":[{"role":"user","content":"a"},{"role":"assistant"},{"role":"user","content":[{"type":"tool_result","content":"b"}]}]}',
      'a',
    ],
    ['the input', '{"input":" What\\n is\\t it? ","prompt":"no"}', 'What is it?'],
    ['the prompt', '{"prompt":"Go on"}', 'Go on'],
    ['the payload, as it is written', '{"b":1.0, "a":1}', '{"b":1.0, "a":1}'],
    [
      'the payload where the last message has no text',
      '{"messages":[{"role":"user","content":[]}]}',
      '{"messages":[{"role":"user","content":[]}]}',
    ],
    ['a text', '"Hi"', 'Hi'],
    ['200 characters', `"${'🗝'.repeat(300)}"`, '🗝'.repeat(200)],
    ['what the database can store', '"a\\u0000b\\ud83d"', 'a\ufffdb\ufffd'],
  ])('is %s', (_what, text, asked) => {
    expect(summaryOf(new JsonText(text)).asked).toBe(asked);
  });

  it.each([
    ['{"model":"m"}', 'm'],
    ['{"model":"a\\u0000"}', 'a\ufffd'],
    ['{"model":7}', null],
    ['[]', null],
    ['null', null],
  ])('names the model of %s', (text, model) => {
    expect(summaryOf(new JsonText(text)).model).toBe(model);
  });
});
