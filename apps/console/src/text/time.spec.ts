import { describe, expect, it } from '@jest/globals';
import { age, countdown, duration, inOwnTime, moment } from './time';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const at = (ms: number): string => new Date(NOW + ms).toISOString();

it.each([
  [0, '0s'],
  [-5, '0s'],
  [59_999, '59s'],
  [61_000, '1m 1s'],
  [3_600_000, '1h'],
  [7_500_000, '2h 5m'],
  [90_000_000, '1d 1h'],
])('%d ms are %s', (ms, text) => {
  expect(duration(ms)).toBe(text);
});

it('tells an age in its largest unit', () => {
  expect([age(at(-7_500_000), NOW), age(at(-3000), NOW), age(null, NOW)]).toEqual(['2h', '3s', '']);
});

describe('a countdown', () => {
  it('is calm, then soon, then over', () => {
    expect([at(600_000), at(60_000), at(-60_000)].map((until) => countdown(until, NOW))).toEqual([
      { text: '10m', urgency: 'calm' },
      { text: '1m', urgency: 'soon' },
      { text: '1m over', urgency: 'over' },
    ]);
  });

  it('is none without a deadline', () => {
    expect(countdown(null, NOW)).toBeNull();
  });
});

it("tells a server's moments as every other moment, and leaves its other words", () => {
  const told = 'ben has the job until 2026-01-01T12:00:00.123Z; revision 2 of 2026-01.';
  expect(inOwnTime(told)).toBe(
    `ben has the job until ${moment('2026-01-01T12:00:00.123Z')}; revision 2 of 2026-01.`,
  );
});
