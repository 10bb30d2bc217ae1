import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { Config } from '@hitl/config';
import type { DecisionRequest, DraftStore, DeskReader, JobStatus, DeskStore, Verdict } from '@hitl/domain';
import type { ChangeAnnouncer, OutboxRelay } from '@hitl/messaging';
import { registry } from '@hitl/observability';
import { Deadlines } from './deadlines/deadlines.service';
import type { ReviewPlanner } from './policies/review-planner.service';
import type { DeskJobs } from './reviews/desk-jobs.service';
import { VerdictsService } from './reviews/verdicts.service';

Logger.overrideLogger(false);
const JOB_ID = '019a9f3e-5c1c-7b8a-9d2e-3f4a5b6c7d8e';
const changes = { announce: () => undefined } as unknown as ChangeAnnouncer;
const outbox = { ring: () => undefined } as unknown as OutboxRelay;
/** As a store returns it. */
const decided = (status: JobStatus) => ({ status, revision: 1, bell: null });

/** What each of the three metrics counts, by verdict. */
async function counted() {
  const figures = (await registry.getMetricsAsJSON()).flatMap(({ name, values }) =>
    values.map(({ labels, value }) => [`${name} ${String(labels.verdict)}`, value] as const),
  );
  return Object.fromEntries(figures.filter(([name]) => name.startsWith('hitl_review_')));
}

describe('of verdicts', () => {
  beforeEach(() => registry.resetMetrics());

  /** A person decides, on a desk whose store does as told. */
  async function decide(verdict: Verdict, store: Partial<DeskStore>, undoMs = 0): Promise<void> {
    const desk = {
      planned: (_jobId: string, work: () => unknown) => work(),
      changeOf: () => Promise.resolve({ change: null }),
    };
    const service = new VerdictsService(
      store as DeskStore,
      {} as DeskReader,
      desk as unknown as DeskJobs,
      outbox,
      changes,
      { deskOf: () => ({ groups: [] }), reasonCodes: [] } as unknown as ReviewPlanner,
      { DECISION_UNDO_MS: undoMs } as Config,
    );
    await service.decide({ id: verdict, jobId: JOB_ID, verdict, reasonCode: null } as DecisionRequest);
  }

  it.each([
    ['approve', 'success'],
    ['reject', 'fail'],
    ['regenerate', 'bot'],
  ] as const)('one that ends the review is counted as a decision: %s', async (verdict, status) => {
    await decide(verdict, { decide: () => Promise.resolve(decided(status)) });
    expect(await counted()).toEqual({ [`hitl_review_decisions_total ${verdict}`]: 1 });
  });

  it('one after which the job waits for others is counted as a vote', async () => {
    await decide('approve', { decide: () => Promise.resolve(decided('human')) });
    expect(await counted()).toEqual({ 'hitl_review_votes_total approve': 1 });
  });

  it('one that asks the model again for a failed job is counted as a decision', async () => {
    const retry = () => Promise.resolve(decided('bot'));
    await decide('regenerate', { decide: () => Promise.resolve(null), retry });
    expect(await counted()).toEqual({ 'hitl_review_decisions_total regenerate': 1 });
  });

  it('one that can be undone is counted as pending, and as a decision once it takes effect', async () => {
    await decide('reject', { hold: () => Promise.resolve({ until: new Date(), revision: 1 }) }, 1000);
    expect(await counted()).toEqual({ 'hitl_review_decisions_pending_total reject': 1 });
    const dueHeld = jest.fn(() => Promise.resolve([JOB_ID]));
    const settled = { ...decided('fail'), verdict: 'reject' as const };
    await deadlines({ dueHeld, settle: () => Promise.resolve({ ...settled, undone: false }) }).settle();
    const both = { 'hitl_review_decisions_pending_total reject': 1, 'hitl_review_decisions_total reject': 1 };
    expect(await counted()).toEqual(both);
    await deadlines({ dueHeld, settle: () => Promise.resolve({ ...settled, undone: true }) }).settle();
    expect(await counted()).toEqual(both);
  });

  it('an approval at the deadline is counted as a decision', async () => {
    const due = { jobId: JOB_ID, project: 'default', revision: 1, rule: null, policyHash: 'f' };
    const store = {
      dueApprovals: () => Promise.resolve([due]),
      decide: () => Promise.resolve(decided('success')),
    };
    await deadlines(store).approve();
    expect(await counted()).toEqual({ 'hitl_review_decisions_total approve': 1 });
  });
});

function deadlines(store: Partial<DeskStore>): Deadlines {
  return new Deadlines(store as DeskStore, {} as DraftStore, outbox, changes);
}
