import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { batched } from './batched';

/** A run that a test ends by hand: `batches` holds what it was called with, `finish` answers the oldest call. */
function byHand() {
  const batches: number[][] = [];
  const open: (() => void)[] = [];
  return {
    batches,
    run: (items: number[]) => {
      batches.push(items);
      return new Promise<string[]>((resolve) => {
        open.push(() => {
          resolve(items.map(String));
        });
      });
    },
    finish: () => open.shift()?.(),
  };
}
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

describe('batched', () => {
  it('runs a lone call in the same turn of the event loop', async () => {
    const { batches, run, finish } = byHand();
    const answer = batched(run)(7);
    await nextTurn();
    expect(batches).toEqual([[7]]);
    finish();
    expect(await answer).toBe('7');
  });

  it('gathers calls that come together, and answers each with its own', async () => {
    const batches: number[][] = [];
    const call = batched((items: number[]) => {
      batches.push(items);
      return Promise.resolve(items.map((item) => item * 10));
    });
    expect(await Promise.all([3, 1, 2].map(call))).toEqual([30, 10, 20]);
    expect(batches).toEqual([[3, 1, 2]]);
  });

  it('gathers what comes while its batches run into the next one', async () => {
    const { batches, run, finish } = byHand();
    const call = batched(run, { parallel: 1 });
    const answers = [call(0)];
    await nextTurn();
    answers.push(call(1));
    await nextTurn();
    answers.push(call(2));
    await nextTurn();
    expect(batches).toEqual([[0]]);
    finish();
    await answers[0];
    await nextTurn();
    expect(batches).toEqual([[0], [1, 2]]);
    finish();
    expect(await Promise.all(answers)).toEqual(['0', '1', '2']);
  });

  it('runs up to four batches side by side while they hold few items, and gathers beyond', async () => {
    const { batches, run, finish } = byHand();
    const call = batched(run);
    const answers: Promise<string>[] = [];
    for (const item of upTo(6)) {
      answers.push(call(item));
      await nextTurn();
    }
    expect(batches).toEqual([[0], [1], [2], [3]]);
    finish();
    await answers[0];
    await nextTurn();
    expect(batches).toEqual([[0], [1], [2], [3], [4, 5]]);
    batches.forEach(finish);
    await Promise.all(answers);
  });

  it('runs two batches at once while they hold many items', async () => {
    const { batches, run, finish } = byHand();
    const call = batched(run);
    const answers = upTo(8).map(call);
    for (const item of [8, 9, 10]) {
      await nextTurn();
      answers.push(call(item));
    }
    await nextTurn();
    expect(batches).toEqual([upTo(8), [8]]);
    finish();
    await answers[0];
    await nextTurn();
    expect(batches).toEqual([upTo(8), [8], [9, 10]]);
    batches.forEach(finish);
    await Promise.all(answers);
  });

  it('has so many batches under way and no more', async () => {
    const { batches, run, finish } = byHand();
    const call = batched(run, { parallel: 2, most: 1 });
    const answers = Promise.all(upTo(5).map(call));
    for (const expected of [2, 3, 4, 5, 5]) {
      await nextTurn();
      expect(batches).toHaveLength(expected);
      finish();
    }
    expect(await answers).toEqual(['0', '1', '2', '3', '4']);
  });

  it('puts so many items into a batch and no more, first come, first served', async () => {
    const { batches, run, finish } = byHand();
    const answers = Promise.all(upTo(5).map(batched(run, { most: 2, parallel: 9 })));
    await nextTurn();
    expect(batches).toEqual([[0, 1], [2, 3], [4]]);
    batches.forEach(finish);
    await answers;
  });

  it('never puts two items of one key into a batch, and keeps their order', async () => {
    const batches: string[][] = [];
    const call = batched(
      (items: string[]) => {
        batches.push(items);
        return Promise.resolve(items);
      },
      { keyOf: (item) => item.charAt(0), parallel: 1, most: 2 },
    );
    await Promise.all(['a1', 'a2', 'b1', 'c1', 'a3', 'b2'].map(call));
    expect(batches).toEqual([
      ['a1', 'b1'],
      ['a2', 'c1'],
      ['a3', 'b2'],
    ]);
  });

  it('tries each item alone when a batch fails, so that only the bad one fails', async () => {
    const batches: number[][] = [];
    const call = batched((items: number[]) => {
      batches.push(items);
      return items.includes(3) ? Promise.reject(new Error('3 is bad')) : Promise.resolve(items);
    });
    const results = await Promise.allSettled(upTo(5).map(call));
    expect(
      results.map((result) => (result.status === 'fulfilled' ? result.value : String(result.reason))),
    ).toEqual([0, 1, 2, 'Error: 3 is bad', 4]);
    expect(batches).toEqual([upTo(5), [0], [1], [2], [3], [4]]);
  });

  it('fails all of a batch at once on an error that is of no single item', async () => {
    let runs = 0;
    const call = batched(
      () => {
        runs += 1;
        return Promise.reject(new Error('away'));
      },
      { failsAll: (error) => (error as Error).message === 'away' },
    );
    const results = await Promise.allSettled(upTo(5).map(call));
    expect(results.every((result) => result.status === 'rejected')).toBe(true);
    expect(runs).toBe(1);
  });

  it('does not wait for batches that take long', async () => {
    const release: (() => void)[] = [];
    const call = batched(
      async (items: number[]) => {
        if (items[0] !== 0) await new Promise<void>((resolve) => release.push(resolve));
        return items;
      },
      { most: 1 },
    );
    const slow = [1, 2].map(call);
    expect(await call(0)).toBe(0);
    for (const go of release) go();
    expect(await Promise.all(slow)).toEqual([1, 2]);
  });

  it.each(['throws', 'rejects'])('goes on after a run that %s', async (how) => {
    let runs = 0;
    const call = batched(
      (items: number[]) => {
        runs += 1;
        if (runs > 1) return Promise.resolve(items);
        if (how === 'throws') throw new Error('a bug');
        return Promise.reject(new Error('a bug'));
      },
      { parallel: 1 },
    );
    await expect(call(1)).rejects.toThrow('a bug');
    expect(await call(2)).toBe(2);
  });
});
