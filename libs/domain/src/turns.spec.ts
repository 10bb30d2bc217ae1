import { describe, expect, it, jest } from '@jest/globals';
import { Turns } from './turns';

/** Work that goes on until it is told to end. */
function work() {
  let end!: () => void;
  const ended = new Promise<void>((resolve) => (end = resolve));
  return { run: jest.fn(() => ended), end };
}

/** Lets everything run that can. */
const settle = () => new Promise(setImmediate);

describe('turns', () => {
  it('let so much go on side by side, in the order in which it came', async () => {
    const turns = new Turns(2, 'busy');
    const works = [work(), work(), work(), work()];
    const all = works.map(({ run }) => turns.take(run, Infinity));
    const begun = () => works.map(({ run }) => run.mock.calls.length);
    await settle();
    expect(begun()).toEqual([1, 1, 0, 0]);
    works[1]!.end();
    await settle();
    expect(begun()).toEqual([1, 1, 1, 0]);
    for (const { end } of works) end();
    await Promise.all(all);
    expect(begun()).toEqual([1, 1, 1, 1]);
  });

  it('come also after a fault', async () => {
    const turns = new Turns(1, 'busy');
    const failing = turns.take(() => Promise.reject(new Error('away')), Infinity);
    const next = turns.take(() => Promise.resolve('read'), Infinity);
    await expect(failing).rejects.toThrow('away');
    expect(await next).toBe('read');
    expect(await turns.take(() => Promise.resolve('again'), Infinity)).toBe('again');
  });

  it('that do not come in time are refused', async () => {
    const turns = new Turns(1, 'busy');
    const first = work();
    const all = turns.take(first.run, Infinity);
    await expect(turns.take(work().run, 1)).rejects.toMatchObject({ code: 'unavailable', message: 'busy' });
    first.end();
    await all;
    expect(await turns.take(() => Promise.resolve('read'), 1)).toBe('read');
  });
});
