import { expect, it, jest } from '@jest/globals';
import type { Config } from '@hitl/config';
import type { Bell, DeskReader, JobReader, JobStore } from '@hitl/domain';
import type { OutboxRelay } from '@hitl/messaging';
import { until } from '@hitl/testing';
import type { ReviewPlanner } from '../policies/review-planner.service';
import { Reconciler } from './reconciler.service';

const BELL: Bell = { id: '1', pattern: 'inference.requested', jobId: '019a9f3e-5c1c-7b8a-9d2e-3f4a5b6c7d8e' };

it('rings for overdue jobs, and for more of them only while few messages wait for the workers', async () => {
  const kickOverdue = jest.fn((_limit: number) => Promise.resolve([BELL]));
  const isShort = jest.fn((_pattern: string, _most: number) => Promise.resolve(false));
  const ring = jest.fn((..._bells: Bell[]) => undefined);
  const reconciler = new Reconciler(
    { kickOverdue } as unknown as JobStore,
    {} as JobReader,
    {} as DeskReader,
    { configured: false } as ReviewPlanner,
    { isShort, ring } as unknown as OutboxRelay,
    { RECONCILE_INTERVAL_MS: 1 } as Config,
  );
  reconciler.onApplicationBootstrap();
  await until('it has asked several times', () => isShort.mock.calls.length > 3);
  expect(isShort).toHaveBeenCalledWith('inference.requested', 1000);
  expect(ring.mock.calls).toEqual([[BELL]]);

  isShort.mockImplementationOnce(() => Promise.resolve(true));
  await until('it rings again', () => ring.mock.calls.length > 1);
  await reconciler.onModuleDestroy();
});
