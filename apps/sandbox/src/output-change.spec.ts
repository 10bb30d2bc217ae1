import { describe, expect, it } from '@jest/globals';
import { completion } from '@hitl/testing';
import type { Json } from '@hitl/domain';
import { describeChange } from './output-change';

const changeOf = (from: Json, to: Json) => describeChange(JSON.stringify(from), JSON.stringify(to));
const patchOf = ({ patch }: { patch: string | null }): unknown => JSON.parse(patch ?? 'null');

describe('what a human made of an output', () => {
  it('is told of a chat by the text of its message, and by a JSON Patch of all of it', () => {
    const change = changeOf(
      completion('Paris is in Italy.\nBye.') as Json,
      completion('Paris is in France.\nBye.') as Json,
    );
    expect(patchOf(change)).toEqual([
      { op: 'replace', path: '/response/choices/0/message/content', value: 'Paris is in France.\nBye.' },
    ]);
    expect(change.textDiff).toContain('-Paris is in Italy.\n+Paris is in France.\n Bye.');
    // "Italy" and "France" out of 24 + 25 characters.
    expect(change.editDistance).toBeCloseTo(11 / 47, 1);
  });

  it("is told of a message of Anthropic's API by its text", () => {
    const message = (text: string) => ({ type: 'message', content: [{ type: 'text', text }] });
    const { textDiff } = changeOf(message('Paris is in Italy.'), message('Paris is in France.'));
    expect(textDiff).toContain('-Paris is in Italy.');
    expect(textDiff).toContain('+Paris is in France.');
  });

  it.each<[Json, Json]>([
    ['a', 'b'],
    [{ a: 1 }, 'text'],
    [[1, 2], [1]],
    [0, false],
  ])('is told of %j become %j', (from, to) => {
    const change = changeOf(from, to);
    expect(patchOf(change)).not.toEqual([]);
    expect(change.textDiff).toMatch(/^[-+][^-+]/m);
    expect(change.editDistance).toBeGreaterThan(0);
  });

  it('is told in words that the database can store', () => {
    const { patch, textDiff } = changeOf('a', 'b\0\ud83d');
    expect(JSON.parse(patch ?? '')).toMatchObject([{ value: 'b\0\ud83d' }]);
    expect(patch).toContain('\\u0000\\ud83d');
    expect(textDiff).toContain('+b\ufffd\ufffd');
  });

  it('is told with all digits of a number', () => {
    const answer = (amount: string) => `{"to":"x","amounts":[${amount}]}`;
    const { patch, textDiff, editDistance } = describeChange(
      answer('1234567890123456789'),
      answer('1234567890123456788'),
    );
    expect(patch).toBe('[{"op":"replace","path":"/response/amounts/0","value":1234567890123456788}]');
    expect(textDiff).toContain('-    1234567890123456789\n+    1234567890123456788\n');
    expect(editDistance).toBeGreaterThan(0);
    expect(describeChange('1e400', '{"a":1.0}')).toMatchObject({
      patch: '[{"op":"replace","path":"/response","value":{"a":1.0}}]',
      textDiff: expect.stringContaining('-1e400\n'),
    });
  });

  it('is nothing when nothing changed', () => {
    expect(changeOf({ a: 1 }, { a: 1 })).toMatchObject({ patch: '[]', editDistance: 0 });
  });

  it('stays unknown where telling it would take too long', () => {
    const noise = (seed: number): string =>
      Array.from({ length: 60_000 }, (_, index) => (((index + 1) * seed) % 9973).toString(36)).join(' ');
    const change = changeOf(noise(7919), noise(6131));
    expect(change.editDistance).toBeNull();
    expect(patchOf(change)).toHaveLength(1);
  });
});
