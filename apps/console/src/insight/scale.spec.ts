import { describe, expect, it } from '@jest/globals';
import { UNIONS } from '../api/unions';
import { marksTo, stacked, totalOf, ticksOf } from './scale';

describe('the marks of a scale', () => {
  it.each([
    [0, [0, 1]],
    [1, [0, 1]],
    [3, [0, 1, 2, 3]],
    [7, [0, 2, 4, 6, 8]],
    [100, [0, 50, 100]],
    [230, [0, 100, 200, 300]],
  ])('to %d are round and whole', (max, marks) => {
    expect(marksTo(max)).toEqual(marks);
  });

  it('are five at most, and reach what they must', () => {
    for (let max = 0; max < 3000; max += 1) {
      const marks = marksTo(max);
      expect(marks.length).toBeLessThanOrEqual(5);
      expect(marks.at(-1)).toBeGreaterThanOrEqual(max);
    }
  });
});

describe('stacked counts', () => {
  const counts = { approve: 3, edit: 0, reject: 2, regenerate: 1 };

  it('leave no gap and leave out what is nothing', () => {
    expect(stacked(counts, UNIONS.Verdict)).toEqual([
      { name: 'approve', from: 0, to: 3 },
      { name: 'reject', from: 3, to: 5 },
      { name: 'regenerate', from: 5, to: 6 },
    ]);
  });

  it('are as high as their sum', () => {
    expect(stacked(counts, UNIONS.Verdict).at(-1)?.to).toBe(totalOf(counts));
  });
});

describe('the moments that an axis of time names', () => {
  const named = (from: string, until: string, hours: boolean) =>
    ticksOf(new Date(from), new Date(until), hours).map((tick) => tick.toTimeString().slice(0, 5));

  it('are every third full hour of a day', () => {
    expect(named('2026-11-22T02:57:10', '2026-11-22T12:00:00', true)).toEqual(['03:00', '06:00', '09:00']);
    expect(named('2026-11-22T03:00:00', '2026-11-22T06:00:01', true)).toEqual(['03:00', '06:00']);
  });

  it('are the midnights of many days', () => {
    expect(named('2026-11-20T00:00:01', '2026-11-23T00:00:00', false)).toEqual(['00:00', '00:00']);
  });
});
