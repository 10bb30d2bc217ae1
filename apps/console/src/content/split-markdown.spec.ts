import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isJsonText } from './json-text';
import { splitMarkdown } from './split-markdown';

describe('long markdown', () => {
  it('is cut into pieces that are the text together, whatever it is made of', () => {
    const parts = fc.constantFrom(
      '\n',
      '\n\n',
      '```',
      '~~~',
      '    ',
      '- a',
      '1. b',
      '> c',
      '<!--',
      '# d',
      'word',
      '|e|',
      '\r\n',
    );
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 80 }), (all) => {
        const text = all.join('');
        expect(splitMarkdown(text, 10).join('')).toBe(text);
      }),
      { numRuns: 1000 },
    );
  });

  it('is cut before paragraphs and headings', () => {
    expect(splitMarkdown('one two three\n\nfour five six\n\n# seven\n', 10)).toEqual([
      'one two three\n\n',
      'four five six\n\n',
      '# seven\n',
    ]);
  });

  it.each([
    '```js\na long line\n\nb\n```\n',
    '- a long item\n\n  b\n\n- c\n',
    '<!-- a long comment\n\nb -->\n',
  ])('is not cut within %j', (markdown) => expect(splitMarkdown(markdown, 1)).toEqual([markdown]));
});

describe('a text', () => {
  it.each(['{"a": 1}', ' [1, 2]\n', '{}', '{"a": 1, "cut', '{ "a" :'])('is JSON: %j', (text) =>
    expect(isJsonText(text)).toBe(true),
  );
  it.each(['[1] Smith et al.', '{name}, hello', '[x](https://x.example)', '"a"', '12', ''])(
    'is no JSON: %j',
    (text) => expect(isJsonText(text)).toBe(false),
  );
});
