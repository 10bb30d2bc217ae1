import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { aDecision, aJob, claimedJob, jobIn, anAnswer, anEdit, SCOPE } from '@hitl/testing';
import { TEST_STORES, type TestStore } from './store';

/** PostgreSQL refuses it in a text. */
const UNSTORABLE = '\0';

describe.each(TEST_STORES)('what the job store refuses on $name', ({ open }) => {
  let store: TestStore;
  beforeAll(async () => {
    store = await open();
  });
  afterEach(() => store.clear());
  afterAll(() => store.close());

  /** Answers what `call` answers, after checking that it left every table as it was. */
  async function unchanged<T>(call: () => Promise<T>): Promise<T> {
    const before = await store.everything();
    const answer = await call();
    expect(await store.everything()).toEqual(before);
    return answer;
  }

  it('a second job with the same id', async () => {
    const job = aJob();
    await store.jobs.submit(job);
    expect(
      await unchanged(() => store.jobs.submit({ ...aJob({ payload: 'other' }), id: job.id })),
    ).toBeNull();
  });

  it('an outcome under a token that does not hold the job', async () => {
    const { jobId } = await claimedJob(store.jobs);
    const stranger = { jobId, token: randomUUID() };
    expect(await unchanged(() => store.jobs.complete(anAnswer(stranger, 1)))).toBeNull();
    for (const retryInMs of [null, 1000]) {
      const outcome = { ...stranger, detail: 'x', retryInMs };
      expect(await unchanged(() => store.jobs.failAttempt(outcome))).toBe(false);
    }
    expect(await unchanged(() => store.jobs.extendLeases([stranger], 1000))).toEqual([]);
  });

  it('the outcome of a worker whose job another one has taken since', async () => {
    const late = await claimedJob(store.jobs);
    await store.rows(`UPDATE jobs SET lease_until = now() - interval '1 second'`);
    const winner = { jobId: late.jobId, token: randomUUID() };
    expect(await store.jobs.claim({ ...winner, leaseMs: 60_000, maxAttempts: 5 })).not.toBeNull();
    expect(await unchanged(() => store.jobs.complete(anAnswer(late, 'late')))).toBeNull();
    expect(await store.jobs.complete(anAnswer(winner, 'in time'))).not.toBeNull();
  });

  it('a second outcome under the same token', async () => {
    const lease = await claimedJob(store.jobs);
    await store.jobs.failAttempt({ ...lease, detail: 'x', retryInMs: 60_000 });
    expect(await unchanged(() => store.jobs.complete(anAnswer(lease, 1)))).toBeNull();
  });

  it.each(['approve', 'edit', 'reject', 'regenerate'] as const)(
    'the verdict %s on a revision that is not the current one',
    async (verdict) => {
      const id = await jobIn(store, 'human');
      for (const revision of [0, 2]) {
        const stale = aDecision(id, { verdict, revision, response: verdict === 'edit' ? 'x' : null });
        expect(await unchanged(() => store.desk.decide(stale))).toBeNull();
      }
    },
  );

  it('an edit of a revision that is not the current one', async () => {
    const id = await jobIn(store, 'human');
    expect(await unchanged(() => store.desk.edit(anEdit(id, { revision: 2 })))).toBeNull();
  });

  it('an approval of what an edit has replaced in the meantime', async () => {
    const id = await jobIn(store, 'human');
    await store.desk.edit(anEdit(id, { revision: 1 }));
    expect(await unchanged(() => store.desk.decide(aDecision(id, { revision: 1 })))).toBeNull();
  });

  it('anything about a job that there is not', async () => {
    const jobId = randomUUID();
    const lease = { jobId, token: randomUUID() };
    const answers = await unchanged(() =>
      Promise.all([
        store.jobs.claim({ ...lease, leaseMs: 1, maxAttempts: 1 }),
        store.jobs.complete(anAnswer(lease, 1)),
        store.jobs.failAttempt({ ...lease, detail: 'x', retryInMs: null }),
        store.desk.decide(aDecision(jobId)),
        store.desk.edit(anEdit(jobId)),
        store.jobs.cancel(SCOPE, jobId, 'ann'),
      ]),
    );
    expect(answers).toEqual([null, null, false, null, null, false]);
  });

  describe('a decision that is asked for again with its id', () => {
    it('while the job has ended', async () => {
      const approval = aDecision(await jobIn(store, 'human'));
      expect(await store.desk.decide(approval)).not.toBeNull();
      expect(await unchanged(() => store.desk.decide(approval))).toBeNull();
    });

    it('at the same moment', async () => {
      const approval = aDecision(await jobIn(store, 'human'));
      const answers = await Promise.all([store.desk.decide(approval), store.desk.decide(approval)]);
      expect(answers.filter((answer) => answer !== null)).toHaveLength(1);
    });

    it('while the next answer of the model waits already', async () => {
      const id = await jobIn(store, 'human');
      const regeneration = aDecision(id, { verdict: 'regenerate' });
      await store.desk.decide(regeneration);
      const token = randomUUID();
      await store.jobs.claim({ jobId: id, token, leaseMs: 60_000, maxAttempts: 5 });
      await store.jobs.complete(anAnswer({ jobId: id, token }, 'second'));
      expect(await unchanged(() => store.desk.decide(regeneration))).toBeNull();
    });

    it('for another job', async () => {
      const approval = aDecision(await jobIn(store, 'human'));
      await store.desk.decide(approval);
      const other = await jobIn(store, 'human');
      expect(await unchanged(() => store.desk.decide({ ...approval, jobId: other }))).toBeNull();
    });
  });

  describe('one bad item among ten that come together', () => {
    /** Settles ten calls made at once, the fourth of them with a text that cannot be stored. */
    async function tenAtOnce<T>(
      call: (text: string, index: number) => Promise<T>,
    ): Promise<(T | 'refused')[]> {
      const texts = Array.from({ length: 10 }, (_, index) => (index === 3 ? UNSTORABLE : 'x'));
      const results = await Promise.allSettled(texts.map(call));
      return results.map((result) => (result.status === 'fulfilled' ? result.value : 'refused'));
    }
    const leases = () => Promise.all(Array.from({ length: 10 }, () => claimedJob(store.jobs)));

    it('of new jobs', async () => {
      const jobs = Array.from({ length: 10 }, () => aJob());
      const results = await tenAtOnce((actor, index) =>
        store.jobs.submit({ ...aJob({ payload: { index }, actor }), id: jobs[index]!.id }),
      );
      expect(results.map((result) => (result === 'refused' ? result : result?.bell.jobId))).toEqual(
        jobs.map((job, index) => (index === 3 ? 'refused' : job.id)),
      );
      expect(await store.rows('SELECT id, payload FROM jobs ORDER BY payload::text')).toEqual(
        jobs.map((job, index) => ({ id: job.id, payload: { index } })).filter((_, index) => index !== 3),
      );
    });

    it('of outcomes', async () => {
      const held = await leases();
      const results = await tenAtOnce((provider, index) =>
        store.jobs.complete({ ...anAnswer(held[index]!), provider }),
      );
      expect(results.map((result) => (result === 'refused' ? result : result?.jobId))).toEqual(
        held.map(({ jobId }, index) => (index === 3 ? 'refused' : jobId)),
      );
      expect(await store.rows(`SELECT id FROM jobs WHERE status = 'bot'`)).toEqual([{ id: held[3]?.jobId }]);
    });

    it('of failed attempts', async () => {
      const held = await leases();
      const results = await tenAtOnce((detail, index) =>
        store.jobs.failAttempt({ ...held[index]!, detail, retryInMs: null }),
      );
      expect(results).toEqual(held.map((_, index) => (index === 3 ? 'refused' : true)));
    });

    it('of decisions', async () => {
      const ids = (await leases()).map(({ jobId }) => jobId);
      await store.rows(`UPDATE jobs SET status = 'human', response = '1', revision = 1, waiting_since = now(),
                          lease_token = NULL, lease_until = NULL, next_kick_at = NULL`);
      const results = await tenAtOnce((reason, index) =>
        store.desk.decide(aDecision(ids[index]!, { verdict: 'edit', response: 'ours', reason })),
      );
      const edited = { status: 'success', revision: 2, bell: null };
      expect(results).toEqual(ids.map((_, index) => (index === 3 ? 'refused' : edited)));
      expect(await store.rows('SELECT count(*)::int FROM decisions')).toEqual([{ count: 9 }]);
    });
  });

  it('answers each of ten claims in order, though only some can be had', async () => {
    const ids = await Promise.all(
      Array.from({ length: 10 }, (_, index) => jobIn(store, index % 2 === 0 ? 'bot' : 'human')),
    );
    const claims = ids.map((jobId) => ({ jobId, token: randomUUID(), leaseMs: 60_000, maxAttempts: 5 }));
    const claimed = await Promise.all(claims.map((request) => store.jobs.claim(request)));
    expect(claimed.map((job) => job?.id ?? null)).toEqual(ids.map((id, i) => (i % 2 === 0 ? id : null)));
    expect(
      await store.rows('SELECT id, lease_token FROM jobs WHERE lease_token IS NOT NULL ORDER BY id'),
    ).toEqual(
      claims
        .filter((_, index) => index % 2 === 0)
        .map(({ jobId, token }) => ({ id: jobId, lease_token: token }))
        .sort((a, b) => (a.id < b.id ? -1 : 1)),
    );
  });

  it('gives each of ten jobs its own answer', async () => {
    const held = await Promise.all(Array.from({ length: 10 }, () => claimedJob(store.jobs)));
    const bells = await Promise.all(
      held.map((lease, index) => store.jobs.complete(anAnswer(lease, { index }))),
    );
    expect(bells.map((bell) => bell?.jobId)).toEqual(held.map((lease) => lease.jobId));
    const stored = await Promise.all(held.map((lease) => store.reader.find(SCOPE, lease.jobId)));
    expect(stored.map((job) => job?.response?.value)).toEqual(held.map((_, index) => ({ index })));
  });
});
