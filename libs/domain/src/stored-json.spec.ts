import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Json } from './json';
import { fromStoredJson, toStorable, toStoredJson } from './stored-json';

/** Texts of what is hard to store, and of what stands for it. */
const text = fc
  .array(fc.constantFrom('\0', '\u001a', '\u2400', '\ud83d', '\ude00', '😀', 'd83d', '\\u0000', 'a', '"'))
  .map((pieces) => pieces.join(''));
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    text,
    fc.integer(),
    fc.constant(null),
    fc.array(tie('value')),
    fc.dictionary(text, tie('value')),
  ),
})).value as fc.Arbitrary<Json>;

describe('JSON that is stored', () => {
  it('comes back as it was, and PostgreSQL can take it', () => {
    fc.assert(
      fc.property(json, (value) => {
        const stored = toStoredJson(value);
        expect(stored).not.toMatch(/(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/);
        expect(JSON.stringify(fromStoredJson(stored))).toBe(JSON.stringify(value));
        expect(JSON.stringify(toStorable(value))).toBe(stored);
      }),
      { numRuns: 2000 },
    );
  });

  it('is what JSON.stringify writes where that can be stored', () => {
    const value = { a: ['é\n😀\\u0000', 1.5, null, { b: true }] };
    expect(toStoredJson(value)).toBe(JSON.stringify(value));
    expect(toStorable(value)).toEqual(value);
  });

  it('leaves texts alone that were stored before, with a mark that stands for nothing', () => {
    expect(fromStoredJson('"\\u001a and \\u001ax"')).toBe('\u001a and \u001ax');
  });
});
