import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { until } from '@hitl/testing';
import { repeat, type Repetition } from './repeat';

const HOUR = 3_600_000;
const silent = () => undefined;

describe('a repetition', () => {
  let repetition: Repetition | undefined;

  afterEach(() => repetition?.stop());

  it('runs again at once when woken in a gap', async () => {
    let runs = 0;
    repetition = repeat(HOUR, () => Promise.resolve(++runs && 0), silent);
    await until('the first run', () => runs === 1);
    repetition.wake();
    await until('the second run', () => runs === 2);
    await delay(50);
    expect(runs).toBe(2);
  });

  it('runs once more when woken during a run, and never twice at once', async () => {
    let running = 0;
    let most = 0;
    let runs = 0;
    const work = async (): Promise<number> => {
      most = Math.max(most, ++running);
      runs += 1;
      await delay(30);
      running -= 1;
      return 0;
    };
    repetition = repeat(HOUR, work, silent);
    for (let i = 0; i < 5; i += 1) repetition.wake();
    await until('the second run', () => runs === 2 && running === 0);
    await delay(50);
    expect([runs, most]).toEqual([2, 1]);
  });

  it('runs again at once after it did something', async () => {
    let left = 3;
    repetition = repeat(HOUR, () => Promise.resolve(left-- > 0 ? 1 : 0), silent);
    await until('all done', () => left === -1);
  });

  it('ends in a gap', async () => {
    let runs = 0;
    repetition = repeat(HOUR, () => Promise.resolve(++runs && 0), silent);
    await until('the first run', () => runs === 1);
    await repetition.stop();
    repetition.wake();
    await delay(20);
    expect(runs).toBe(1);
  });
});
