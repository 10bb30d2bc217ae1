import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { OBSTACLES, SummaryReader, type DeskRules, type Obstacle } from '@hitl/domain';
import { aClaim, aDecision, aPlan, jobIn, NO_POLICY, SCOPE } from '@hitl/testing';
import { TEST_STORES, type TestStore } from './store';

const IN_LEGAL: DeskRules = { ...NO_POLICY, groups: ['legal'], requirePlan: true };

describe.each(TEST_STORES)('what keeps a reviewer from deciding, on $name', ({ open }) => {
  let store: TestStore;
  let summaries: SummaryReader;
  beforeAll(async () => {
    store = await open();
    summaries = new SummaryReader(store.database);
  });
  afterEach(() => store.clear());
  afterAll(() => store.close());

  const planned = async (plan: Parameters<typeof aPlan>[1] = {}, actor = 'sue'): Promise<string> => {
    const id = await jobIn(store, 'human', { actor });
    await store.desk.plan(aPlan(id, plan));
    return id;
  };
  const setUps: Record<Obstacle | 'none', () => Promise<string>> = {
    none: () => planned({ group: 'legal', approvals: 2, fourEyes: true }),
    ended: () => jobIn(store, 'success'),
    not_waiting: () => jobIn(store, 'bot'),
    pending_decision: async () => {
      const id = await planned();
      await store.desk.hold(aDecision(id, { actor: 'ann' }), 60_000);
      return id;
    },
    not_planned: () => jobIn(store, 'human'),
    claimed_by_other: async () => {
      const id = await planned();
      await store.desk.claimReview({ ...aClaim({ actor: 'ben' }), jobId: id });
      return id;
    },
    other_group: () => planned({ group: 'chiefs' }),
    four_eyes: () => planned({ fourEyes: true }, 'ann'),
    already_voted: async () => {
      const id = await planned({ approvals: 2 });
      await store.desk.decide(aDecision(id, { actor: 'ann', verdict: 'reject' }));
      return id;
    },
  };

  it.each(['none', ...OBSTACLES] as const)(
    '%s: what is shown, what is listed and what a decision meets are the same',
    async (expected) => {
      const id = await setUps[expected]();
      const caller = { actor: 'ann', desk: IN_LEGAL };
      const obstacle = expected === 'none' ? null : expected;
      const listed = expected === 'none' ? [id] : [];
      expect(await store.deskReader.obstacles(SCOPE, [id], caller)).toEqual(new Map([[id, obstacle]]));
      const page = await store.deskReader.waiting(SCOPE, { limit: 10, decidableBy: caller });
      expect((await page.read()).map((job) => job.id)).toEqual(listed);
      const { jobs: lines } = await summaries.waiting(SCOPE, { decidableBy: caller }, { limit: 10 });
      expect(lines.map((job) => job.id)).toEqual(listed);
      expect(await summaries.count(SCOPE, { decidableBy: caller })).toBe(listed.length);
      for (const verdict of ['reject', 'approve'] as const) {
        const decided = await store.desk.decide(aDecision(id, { ...caller, verdict }));
        expect(decided === null).toBe(expected !== 'none' || verdict === 'approve');
      }
    },
  );

  it('a claim that has run out, and one of the reviewer, keep nobody back', async () => {
    const mine = await planned();
    await store.desk.claimReview({ ...aClaim({ actor: 'ann' }), jobId: mine });
    const late = await planned();
    await store.desk.claimReview({ ...aClaim({ actor: 'ben', leaseMs: 0 }), jobId: late });
    expect(await store.deskReader.obstacles(SCOPE, [mine, late], { actor: 'ann', desk: IN_LEGAL })).toEqual(
      new Map([
        [mine, null],
        [late, null],
      ]),
    );
  });
});
