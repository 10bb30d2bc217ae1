import { describe, expect, it, jest } from '@jest/globals';
import type { Job, JobReader } from '@hitl/domain';
import type { ReviewPlanner } from '../policies/review-planner.service';
import { DeskJobs } from './desk-jobs.service';

/** The desk with a job that is like this when the desk looks. */
function deskWith(job: Partial<Job> | null, configured = true) {
  const apply = jest.fn(() => Promise.resolve());
  const desk = new DeskJobs(
    { find: () => Promise.resolve(job) } as unknown as JobReader,
    { configured, apply } as unknown as ReviewPlanner,
  );
  return { desk, apply };
}
/** Fails so often, then succeeds. */
const failing = (times: number) => {
  let left = times;
  return jest.fn(() => Promise.resolve(left-- > 0 ? null : 'done'));
};

describe('what is tried on a job that must have a plan', () => {
  it('is tried once where it succeeds', async () => {
    const { desk, apply } = deskWith({ status: 'human', plannedAt: null });
    expect(await desk.planned('x', failing(0))).toBe('done');
    expect(apply).not.toHaveBeenCalled();
  });

  it('is tried again once the plan is written', async () => {
    const { desk, apply } = deskWith({ status: 'human', plannedAt: null });
    expect(await desk.planned('x', failing(1))).toBe('done');
    expect(apply).toHaveBeenCalledTimes(1);
  });

  it('is tried again where the plan was written elsewhere, right after the first try', async () => {
    const { desk, apply } = deskWith({ status: 'human', plannedAt: new Date() });
    expect(await desk.planned('x', failing(1))).toBe('done');
    expect(apply).not.toHaveBeenCalled();
  });

  it.each([
    ['that waits for nobody', { status: 'success' as const, plannedAt: new Date() }, true],
    ['that is gone', null, true],
    ['without any policy', { status: 'human' as const, plannedAt: null }, false],
  ])('is not tried again on a job %s', async (_which, job, configured) => {
    const { desk } = deskWith(job, configured);
    const attempt = failing(1);
    expect(await desk.planned('x', attempt)).toBeNull();
    expect(attempt).toHaveBeenCalledTimes(1);
  });

  it('is tried twice at most', async () => {
    const { desk } = deskWith({ status: 'human', plannedAt: new Date() });
    const attempt = failing(9);
    expect(await desk.planned('x', attempt)).toBeNull();
    expect(attempt).toHaveBeenCalledTimes(2);
  });
});
