import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { SummaryReader } from '@hitl/domain';
import { aClaim, aDecision, jobIn } from '@hitl/testing';
import { TEST_STORES, type TestStore } from './store';

const MIB = 1_048_576;

describe.each(TEST_STORES)('reads of waiting jobs on $name', ({ name, open }) => {
  let store: TestStore;
  let summaries: SummaryReader;
  beforeAll(async () => {
    store = await open();
    summaries = new SummaryReader(store.database);
  });
  afterEach(() => store.clear());
  afterAll(() => store.close());

  /** The ids of all pages, of as many jobs at most. */
  async function pages(limit: number): Promise<string[][]> {
    const all: string[][] = [];
    for (let after; ;) {
      const { jobs, next } = await store.reader.waiting({ after, limit });
      all.push(jobs.map(({ id }) => id));
      if (next === null) return all;
      after = next;
    }
  }
  const sized = (mib: number) => jobIn(store.jobs, 'human', { payload: 'x'.repeat(mib * MIB) });

  it('end a page before its limit where whole jobs are too large together', async () => {
    const ids: string[] = [];
    while (ids.length < 7) ids.push(await sized(6));
    await jobIn(store.jobs, 'success');
    expect(await pages(10)).toEqual([ids.slice(0, 5), ids.slice(5)]);
  });

  if (name === 'PostgreSQL') {
    it('show a job that is too large for any page alone', async () => {
      const ids = [await sized(1), await sized(33), await sized(1)];
      expect(await pages(10)).toEqual(ids.map((id) => [id]));
    });
  }

  it('go on after the limit, by priority, then by age', async () => {
    const [low, high, young] = [
      await jobIn(store.jobs, 'human', { priority: 1 }),
      await jobIn(store.jobs, 'human', { priority: 9 }),
      await jobIn(store.jobs, 'human', { priority: 1 }),
    ];
    expect(await pages(2)).toEqual([[high, low], [young]]);
    expect(await pages(3)).toEqual([[high, low, young]]);
  });

  it('tell of a held decision in a summary what it is, not what it delivers', async () => {
    const id = await jobIn(store.jobs, 'human', { payload: { model: 'm', messages: [] }, priority: 3 });
    await store.jobs.claimReview({ ...aClaim({ actor: 'ann' }), jobId: id });
    const decision = aDecision(id, { actor: 'ann', verdict: 'edit', response: 'x'.repeat(1000) });
    const { until } = (await store.jobs.hold(decision, 60_000))!;
    const summary = {
      id,
      status: 'human',
      asked: expect.any(String),
      model: 'm',
      priority: 3,
      waitingSince: expect.any(Date),
      deadlineAt: null,
      onDeadline: null,
      deadlineGraceSeconds: 900,
      atWorkUntil: null,
      rule: null,
      group: '',
      approvals: 1,
      approvedBy: [],
      rejectedBy: [],
      claimedBy: 'ann',
      client: null,
      notesCount: 0,
      violations: 0,
      claimedAt: expect.any(Date),
      claimedUntil: expect.any(Date),
      heldDecision: { id: decision.id, verdict: 'edit', actor: 'ann' },
      heldUntil: until,
      revision: 1,
      edited: false,
      createdAt: expect.any(Date),
      updatedAt: expect.any(Date),
    };
    expect(await summaries.waiting({}, { limit: 10 })).toEqual([summary]);
    expect(await Promise.all([id, randomUUID()].map(summaries.find))).toEqual([summary, null]);
    const ended = await jobIn(store.jobs, 'success');
    expect(await summaries.find(ended)).toMatchObject({ status: 'success', heldDecision: null });
  });
});
