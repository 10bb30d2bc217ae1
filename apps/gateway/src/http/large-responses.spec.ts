import { describe, expect, it, jest } from '@jest/globals';
import { LargeResponses } from './large-responses';

const MIB = 1_048_576;

/** Work that goes on until it is told to end. */
function work() {
  let end!: () => void;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const run = jest.fn(() => ended);
  return { run, end };
}

/** Lets everything run that can. */
const settle = () => new Promise(setImmediate);

describe('reading lists of large jobs', () => {
  it('goes on side by side as far as they fit together, in the order in which they came', async () => {
    const answers = new LargeResponses();
    const [first, second, third] = [work(), work(), work()];
    const all = [
      answers.inTurn(5 * MIB, first.run),
      answers.inTurn(4 * MIB, second.run),
      answers.inTurn(1 * MIB, third.run),
    ];
    await settle();
    expect([first.run, second.run, third.run].map((run) => run.mock.calls.length)).toEqual([1, 0, 0]);
    first.end();
    await settle();
    expect([second.run, third.run].map((run) => run.mock.calls.length)).toEqual([1, 1]);
    second.end();
    third.end();
    await Promise.all(all);
  });

  it('goes on two at a time where they are large, and many at a time where they are small', async () => {
    const answers = new LargeResponses();
    const large = Array.from({ length: 6 }, work);
    const runs = large.map(({ run }) => answers.inTurn(MIB / 2, run));
    await settle();
    expect(large.map(({ run }) => run.mock.calls.length)).toEqual([1, 1, 0, 0, 0, 0]);
    for (const { end } of large) end();
    await Promise.all(runs);
    const small = Array.from({ length: 50 }, work);
    const all = small.map(({ run }) => answers.inTurn(1000, run));
    await settle();
    expect(small.every(({ run }) => run.mock.calls.length === 1)).toBe(true);
    for (const { end } of small) end();
    await Promise.all(all);
  });

  it('takes one that is larger than all memory for lists alone', async () => {
    const answers = new LargeResponses();
    const [large, small] = [work(), work()];
    const all = [answers.inTurn(500 * MIB, large.run), answers.inTurn(1, small.run)];
    await settle();
    expect([large.run, small.run].map((run) => run.mock.calls.length)).toEqual([1, 0]);
    large.end();
    small.end();
    await Promise.all(all);
  });

  it('makes room also after a fault', async () => {
    const answers = new LargeResponses();
    await expect(answers.inTurn(8 * MIB, () => Promise.reject(new Error('away')))).rejects.toThrow('away');
    expect(await answers.inTurn(8 * MIB, () => Promise.resolve('read'))).toBe('read');
  });

  it('is refused when its turn does not come', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate'] });
    try {
      const answers = new LargeResponses();
      const first = work();
      const all = answers.inTurn(8 * MIB, first.run);
      const late = expect(answers.inTurn(8 * MIB, work().run)).rejects.toMatchObject({
        code: 'unavailable',
      });
      await jest.advanceTimersByTimeAsync(10_000);
      await late;
      first.end();
      await all;
      expect(await answers.inTurn(8 * MIB, () => Promise.resolve('read'))).toBe('read');
    } finally {
      jest.useRealTimers();
    }
  });
});
