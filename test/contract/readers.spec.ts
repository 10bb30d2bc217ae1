import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { SummaryReader, type ReviewPosition } from '@hitl/domain';
import { aClaim, aDecision, anEdit, jobIn, SCOPE } from '@hitl/testing';
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
    for (let after: ReviewPosition | undefined; ;) {
      const { read, next } = await store.deskReader.waiting(SCOPE, { after, limit });
      all.push((await read()).map(({ id }) => id));
      if (next === null) return all;
      after = next;
    }
  }
  const sized = (mib: number) => jobIn(store, 'human', { payload: 'x'.repeat(mib * MIB) });

  it('end a page before its limit where whole jobs are too large together', async () => {
    const ids: string[] = [];
    while (ids.length < 7) ids.push(await sized(2));
    await jobIn(store, 'success');
    expect(await pages(10)).toEqual([ids.slice(0, 3), ids.slice(3, 6), ids.slice(6)]);
    const newest = await store.lists.newest(SCOPE, { status: 'human', limit: 10 });
    expect((await newest.read()).map(({ id }) => id)).toEqual(ids.slice(4).reverse());
    expect(newest.next).toBe(ids[4]);
    expect(newest.bytes).toBeGreaterThan(6 * MIB);
    const rest = await store.lists.newest(SCOPE, { status: 'human', before: ids[1], limit: 10 });
    expect([(await rest.read()).map(({ id }) => id), rest.next]).toEqual([[ids[0]], null]);
  });

  it('without pages are whole, in parts of which none is large', async () => {
    const ids = [await sized(0.3), await sized(0.3), await sized(2), await sized(0.3)];
    const parts = await store.lists.oldest(SCOPE, { offset: 0, limit: 10 });
    const read = await Promise.all(parts.map((part) => part.read()));
    expect(read.map((jobs) => jobs.map(({ id }) => id))).toEqual([ids.slice(0, 2), [ids[2]], [ids[3]]]);
    expect(read[0]![0]).toMatchObject({ createdAtMicros: expect.stringMatching(/\.\d{6}Z$/) });
    const some = await store.lists.oldest(SCOPE, { status: 'human', offset: 1, limit: 2 });
    expect((await Promise.all(some.map((part) => part.read()))).flat().map(({ id }) => id)).toEqual(
      ids.slice(1, 3),
    );
  });

  it('know how large a job is, also after it has changed', async () => {
    const bytes = async () => (await store.lists.newest(SCOPE, { limit: 1 })).bytes;
    const id = await jobIn(store, 'human', { payload: 'x'.repeat(MIB) });
    const before = await bytes();
    expect(before).toBeGreaterThan(MIB);
    expect(before).toBeLessThan(MIB + 1000);
    await store.desk.edit(anEdit(id, { response: 'y'.repeat(MIB) }));
    expect(await bytes()).toBeGreaterThan(2 * MIB);
  });

  it('of answers end early where they are too large together', async () => {
    const ids: string[] = [];
    while (ids.length < 5) ids.push(await sized(3));
    const first = await store.reader.answered(SCOPE, { limit: 10 });
    expect(first.map(({ jobId }) => jobId)).toEqual([ids[4], ids[3]]);
    const rest = await store.reader.answered(SCOPE, { before: ids[1], limit: 10 });
    expect(rest.map(({ jobId }) => jobId)).toEqual([ids[0]]);
  });

  if (name === 'PostgreSQL') {
    it('show a job that is too large for any page alone', async () => {
      const ids = [await sized(1), await sized(9), await sized(1)];
      expect(await pages(10)).toEqual(ids.map((id) => [id]));
    });
  }

  it('go on after the limit, by priority, then by age', async () => {
    const [low, high, young] = [
      await jobIn(store, 'human', { priority: 1 }),
      await jobIn(store, 'human', { priority: 9 }),
      await jobIn(store, 'human', { priority: 1 }),
    ];
    expect(await pages(2)).toEqual([[high, low], [young]]);
    expect(await pages(3)).toEqual([[high, low, young]]);
  });

  it('tell of a held decision in a summary what it is, not what it delivers', async () => {
    const id = await jobIn(store, 'human', { payload: { model: 'm', messages: [] }, priority: 3 });
    await store.desk.claimReview({ ...aClaim({ actor: 'ann' }), jobId: id });
    const decision = aDecision(id, { actor: 'ann', verdict: 'edit', response: 'x'.repeat(1000) });
    const { until } = (await store.desk.hold(decision, 60_000))!;
    const summary = {
      id,
      ...SCOPE,
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
    expect((await summaries.waiting(SCOPE, {}, { limit: 10 })).jobs).toEqual([summary]);
    expect(await Promise.all([id, randomUUID()].map((one) => summaries.find(SCOPE, one)))).toEqual([
      summary,
      null,
    ]);
    const ended = await jobIn(store, 'success');
    expect(await summaries.find(SCOPE, ended)).toMatchObject({ status: 'success', heldDecision: null });
  });

  it('ends a page of a search after 10,000 jobs, and goes on from there', async () => {
    await store.asOwner(
      `INSERT INTO jobs (id, status, payload, asked, response, revision, waiting_since, submitter)
       SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'human', '{}',
              CASE n WHEN 3 THEN 'near' WHEN 10020 THEN 'far' ELSE 'common' END, '{}', 1, now(), 'submitter'
       FROM generate_series(1, 10030) n`,
    );
    const found = async (asked: string, after?: ReviewPosition) => {
      const { jobs, next } = await summaries.waiting(SCOPE, { asked }, { after, limit: 2 });
      return { asked: jobs.map((job) => job.asked), next };
    };
    const first = await found('FAR');
    expect(first).toEqual({
      asked: [],
      next: { priority: 0, id: '00000000-0000-7000-8000-000000002710' },
    });
    expect(await found('FAR', first.next ?? undefined)).toEqual({ asked: ['far'], next: null });
    expect(await found('near')).toEqual({ asked: ['near'], next: first.next });
    expect(await found('common')).toEqual({
      asked: ['common', 'common'],
      next: { priority: 0, id: '00000000-0000-7000-8000-000000000002' },
    });
    expect(await Promise.all(['far', 'near'].map((asked) => summaries.count(SCOPE, { asked })))).toEqual([
      0, 1,
    ]);
  });
});
