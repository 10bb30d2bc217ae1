import { describe, expect, it } from '@jest/globals';
import { batchedStatement } from './batched-statement';

const ITEMS = [0, 1, 2, 3, 4];

/** A statement that fails with a code of PostgreSQL, or the system, when 3 is in its batch; and how often it ran. */
function failingOf3(code: string) {
  const counted = { runs: 0 };
  const run = (items: number[]) => {
    counted.runs += 1;
    return items.includes(3)
      ? Promise.reject(Object.assign(new Error('failed'), { code }))
      : Promise.resolve(items);
  };
  return { run, counted };
}
const done = async (call: (item: number) => Promise<number>) =>
  (await Promise.allSettled(ITEMS.map(call))).map(({ status }) => status === 'fulfilled');

describe('a batched statement', () => {
  it('fails all of a batch at once when the database is away', async () => {
    const { run, counted } = failingOf3('ECONNRESET');
    expect(await done(batchedStatement(run))).toEqual([false, false, false, false, false]);
    expect(counted.runs).toBe(1);
  });

  it('tries each item alone when one of them waits for a row that is locked', async () => {
    expect(await done(batchedStatement(failingOf3('55P03').run))).toEqual([true, true, true, false, true]);
  });

  it('tries each item alone also when the database gave up, where told that this may be of one item', async () => {
    const { run } = failingOf3('57014');
    expect(await done(batchedStatement(run, { failsAll: () => false }))).toEqual([
      true,
      true,
      true,
      false,
      true,
    ]);
  });

  it('never waits for a large item, nor shares a statement with one', async () => {
    const batches: number[][] = [];
    let finish!: () => void;
    const finished = new Promise<void>((resolve) => (finish = resolve));
    const call = batchedStatement(
      async (items: number[]) => {
        batches.push(items);
        if (items.some((item) => item > 2)) await finished;
        return items;
      },
      { isLarge: (item) => item > 2, parallel: 1 },
    );
    const large = [3, 4, 5].map(call);
    expect(await Promise.all([0, 1, 2].map(call))).toEqual([0, 1, 2]);
    // Of these two at a time, too.
    expect(batches).toEqual([[3], [4], [0, 1, 2]]);
    finish();
    expect(await Promise.all(large)).toEqual([3, 4, 5]);
    expect(batches.at(-1)).toEqual([5]);
  });
});
