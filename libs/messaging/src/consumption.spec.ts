import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it, jest } from '@jest/globals';
import { registry } from '@hitl/observability';
import { Consumption } from './consumption';

const away = () => Object.assign(new Error('starting up'), { code: '57P03' });
const never = () => new Promise<void>(() => undefined);

function consumption() {
  const logger = { warn: jest.fn<(message: string) => void>(), error: jest.fn<(message: unknown) => void>() };
  return { logger, consumption: new Consumption('inference', logger) };
}
const parkedCount = async (): Promise<number> => {
  const metric = await registry.getSingleMetric('hitl_messages_parked_total')?.get();
  return metric?.values.reduce((sum, { value }) => sum + value, 0) ?? 0;
};

describe('what becomes of a message', () => {
  it('is done once its handler has resolved', async () => {
    const { consumption: queue } = consumption();
    const park = jest.fn(() => Promise.resolve());
    expect(await queue.run(() => Promise.resolve('whatever'), park)).toBe('done');
    expect(park).not.toHaveBeenCalled();
  });

  it('is parked with the reason and counted when it can never be handled', async () => {
    const { consumption: queue, logger } = consumption();
    const park = jest.fn((_reason: string) => Promise.resolve());
    const before = await parkedCount();
    const bug = new TypeError('a bug');
    expect(await queue.run(() => Promise.reject(bug), park)).toBe('parked');
    expect(park).toHaveBeenCalledWith('TypeError: a bug');
    expect(logger.error).toHaveBeenCalledWith(bug);
    expect(await parkedCount()).toBe(before + 1);
  });

  it('is parked without a word of what was thrown when that is no error', async () => {
    const park = jest.fn((_reason: string) => Promise.resolve());
    // A handler may throw anything.
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
    expect(await consumption().consumption.run(() => Promise.reject('secret'), park)).toBe('parked');
    expect(park).toHaveBeenCalledWith('unknown error');
  });

  it('comes again after a pause when the database was away', async () => {
    const park = jest.fn(() => Promise.resolve());
    const begin = performance.now();
    expect(await consumption().consumption.run(() => Promise.reject(away()), park)).toBe('again');
    expect(performance.now() - begin).toBeGreaterThan(900);
    expect(park).not.toHaveBeenCalled();
  });

  it.each(['25006', '28P01', '42501', '26000', 'XX000'])(
    'comes again, and is told of, when the database says %s',
    async (code) => {
      const park = jest.fn(() => Promise.resolve());
      const { consumption: queue, logger } = consumption();
      const trouble = Object.assign(new Error('x'), { code });
      expect(await queue.run(() => Promise.reject(trouble), park)).toBe('again');
      expect(park).not.toHaveBeenCalled();
      expect(logger.warn).toHaveBeenCalledWith(expect.stringContaining('A message of hitl.inference waits.'));
      expect(logger.error).toHaveBeenCalledTimes(code === '25006' ? 0 : 1);
    },
  );

  it('comes again, uncounted, when it cannot be parked', async () => {
    const before = await parkedCount();
    const fail = () => Promise.reject(new Error('x'));
    expect(await consumption().consumption.run(fail, fail)).toBe('again');
    expect(await parkedCount()).toBe(before);
  });
});

describe('draining', () => {
  it('waits for every message in hand', async () => {
    const { consumption: queue, logger } = consumption();
    let finish = (): void => undefined;
    const running = queue.run(
      () => new Promise<void>((resolve) => (finish = resolve)),
      () => Promise.resolve(),
    );
    let drained = false;
    const draining = queue.drain(5000).then(() => (drained = true));
    await nextTurn();
    expect([queue.stopping, drained]).toEqual([true, false]);
    finish();
    await draining;
    expect(await running).toBe('done');
    expect(logger.warn).not.toHaveBeenCalled();
  });

  it('ends after its grace and says how many it let go', async () => {
    const { consumption: queue, logger } = consumption();
    void queue.run(never, never);
    void queue.run(never, never);
    await queue.drain(20);
    expect(logger.warn).toHaveBeenCalledWith(expect.stringMatching(/^2 messages of hitl\.inference/));
  });

  it('cuts the pause of a message that would come again', async () => {
    const { consumption: queue } = consumption();
    const running = queue.run(() => Promise.reject(away()), never);
    await nextTurn();
    const begin = performance.now();
    await queue.drain(5000);
    expect(await running).toBe('again');
    expect(performance.now() - begin).toBeLessThan(500);
  });
});
