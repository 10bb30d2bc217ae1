import { describe, expect, it } from '@jest/globals';
import { runBounded, TimeLimitError } from './bounded';

describe('bounded work', () => {
  it('answers what the work answers', () => {
    expect(runBounded(1000, () => ({ answer: 4 }))).toEqual({ answer: 4 });
  });

  it('passes on what the work throws', () => {
    expect(() =>
      runBounded(1000, () => {
        throw new RangeError('out of it');
      }),
    ).toThrow(RangeError);
  });

  it.each<[string, () => unknown]>([
    [
      'an endless loop',
      () => {
        for (;;);
      },
    ],
    ['a catastrophic regular expression', () => /^(a+)+$/.test('a'.repeat(50) + 'b')],
    ['a sort without end', () => Array.from({ length: 2e7 }, (_, i) => -i).sort((a, b) => a - b)],
  ])('stops %s', (_name, work) => {
    expect(() => runBounded(20, work)).toThrow(TimeLimitError);
  });

  it('has another chance, where it may, when the time went by without it', () => {
    let runs = 0;
    const work = (): number => {
      runs += 1;
      // Sleeps, as a process does that the machine does not run.
      if (runs === 1) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
      return runs;
    };
    expect(runBounded(200, work, 2)).toBe(2);
  });

  it('runs within other bounded work', () => {
    expect(runBounded(1000, () => runBounded(1000, () => 1) + 1)).toBe(2);
  });
});
