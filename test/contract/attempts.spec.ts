import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { ClaimedJob } from '@hitl/domain';
import { aJob, claimedJob, jobIn } from '@hitl/testing';
import { TEST_STORES, type TestStore } from './store';

describe.each(TEST_STORES)('claims, leases and overdue jobs on $name', ({ open }) => {
  let store: TestStore;
  beforeAll(async () => {
    store = await open();
  });
  afterEach(() => store.clear());
  afterAll(() => store.close());

  const claim = (jobId: string, { leaseMs = 60_000, maxAttempts = 3 } = {}): Promise<ClaimedJob | null> =>
    store.jobs.claim({ jobId, token: randomUUID(), leaseMs, maxAttempts });
  /** Where a job's times lie, in seconds from now. */
  const times = async (id: string) => {
    const [row] = await store.rows(
      `SELECT attempts, round_attempts, kicks, lease_token, extract(epoch FROM lease_until - now())::float AS lease,
              extract(epoch FROM next_kick_at - now())::float AS kick FROM jobs WHERE id = $1`,
      [id],
    );
    return row;
  };
  /** As if its lease or back-off, and its next kick, had run out a second ago. */
  const makeOverdue = (id: string) =>
    store.rows(
      `UPDATE jobs SET lease_until = least(lease_until, now() - interval '1 second'),
                       next_kick_at = now() - interval '1 second' WHERE id = $1`,
      [id],
    );

  it('gives a free job with its payload and feedback', async () => {
    const job = aJob({ payload: { input: 'x' } });
    await store.jobs.submit(job);
    await store.rows(`UPDATE jobs SET feedback = '{"shorter","kinder"}'`);
    expect(await claim(job.id)).toEqual({
      id: job.id,
      payload: expect.objectContaining({ text: '{"input":"x"}' }),
      originalPayload: null,
      anthropicHeaders: null,
      responseSchema: null,
      turns: [
        { feedback: 'shorter', response: null },
        { feedback: 'kinder', response: null },
      ],
      hasFallback: false,
      translated: false,
      roundAttempts: 1,
    });
    expect((await times(job.id)).lease).toBeCloseTo(60, -1);
  });

  it('gives a job to one of two that claim it together', async () => {
    const id = await jobIn(store, 'bot');
    const claims = await Promise.all([claim(id), claim(id)]);
    expect(claims.filter(Boolean)).toHaveLength(1);
    expect(await times(id)).toMatchObject({ attempts: 1, round_attempts: 1 });
  });

  it('refuses a job whose lease runs, and rings when the lease ends in case its holder has died', async () => {
    const id = await jobIn(store, 'bot');
    await claim(id, { leaseMs: 20_000 });
    const { lease_token: holder } = await times(id);
    expect(await claim(id)).toBeNull();
    const now = await times(id);
    expect(now).toMatchObject({ lease_token: holder, attempts: 1 });
    expect(now.kick).toBe(now.lease);
    expect(await store.jobs.kickOverdue(10)).toEqual([]);
    await makeOverdue(id);
    expect(await store.jobs.kickOverdue(10)).toMatchObject([{ jobId: id }]);
  });

  it('never puts the kick off when it refuses a held job', async () => {
    const id = await jobIn(store, 'bot');
    await claim(id, { leaseMs: 600_000 });
    const { kick } = await times(id);
    expect(await claim(id)).toBeNull();
    expect((await times(id)).kick).toBeLessThanOrEqual(kick);
  });

  it('gives a job whose lease has run out to the next', async () => {
    const id = await jobIn(store, 'bot');
    await claim(id);
    await makeOverdue(id);
    expect(await claim(id)).toMatchObject({ id, roundAttempts: 2 });
  });

  it('refuses a job during its back-off, then gives it', async () => {
    const lease = await claimedJob(store.jobs);
    await store.jobs.failAttempt({ ...lease, detail: '503', retryInMs: 40_000 });
    const now = await times(lease.jobId);
    expect(now).toMatchObject({ lease_token: null, kick: now.lease });
    expect(now.lease).toBeCloseTo(40, -1);
    expect(await claim(lease.jobId)).toBeNull();
    await makeOverdue(lease.jobId);
    expect(await claim(lease.jobId)).toMatchObject({ roundAttempts: 2 });
  });

  it('says in an event what went wrong with an attempt that will be repeated', async () => {
    const lease = await claimedJob(store.jobs);
    await store.jobs.failAttempt({ ...lease, detail: '503', retryInMs: 1 });
    expect(
      await store.rows('SELECT type, status, actor, data FROM job_events ORDER BY id DESC LIMIT 1'),
    ).toEqual([{ type: 'attempt_failed', status: 'bot', actor: 'worker', data: { detail: '503' } }]);
  });

  it('counts every try up to the allowed number, and tells when a claim is past it', async () => {
    const id = await jobIn(store, 'bot');
    const told = [];
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      told.push((await claim(id, { maxAttempts: 3 }))?.roundAttempts);
      await makeOverdue(id);
    }
    expect(told).toEqual([1, 2, 3, 4, 5]);
    expect(await times(id)).toMatchObject({ attempts: 3, round_attempts: 5 });
  });

  it('renews exactly the leases that are still held', async () => {
    const [kept, lost] = [await claimedJob(store.jobs), await claimedJob(store.jobs)];
    await store.rows('UPDATE jobs SET lease_token = $2 WHERE id = $1', [lost.jobId, randomUUID()]);
    expect(await store.jobs.extendLeases([kept, lost], 300_000)).toEqual([kept.jobId]);
    expect((await times(kept.jobId)).lease).toBeCloseTo(300, -1);
    expect((await times(lost.jobId)).lease).toBeLessThanOrEqual(60);
  });

  describe('the reconciler', () => {
    it('leaves alone what is not due, what is held and what is not in bot', async () => {
      await jobIn(store, 'bot');
      const held = await claimedJob(store.jobs);
      await store.rows(`UPDATE jobs SET next_kick_at = now() - interval '1 hour' WHERE id = $1`, [
        held.jobId,
      ]);
      await jobIn(store, 'human');
      await jobIn(store, 'success');
      const before = await store.everything();
      expect(await store.jobs.kickOverdue(10)).toEqual([]);
      expect(await store.everything()).toEqual(before);
    });

    it('rings for an overdue job with a bell of its own', async () => {
      const id = await jobIn(store, 'bot');
      await store.rows('DELETE FROM outbox');
      await makeOverdue(id);
      const bells = await store.jobs.kickOverdue(10);
      expect(bells).toEqual([{ id: expect.any(String), pattern: 'inference.requested', jobId: id }]);
      expect(await store.rows('SELECT id, pattern, job_id AS "jobId" FROM outbox')).toEqual(bells);
    });

    it('rings once a minute for a job that nobody takes, and counts', async () => {
      const id = await jobIn(store, 'bot');
      const gaps = [];
      for (let kick = 1; kick <= 3; kick += 1) {
        await makeOverdue(id);
        await store.jobs.kickOverdue(10);
        const { kick: gap, kicks } = await times(id);
        gaps.push([Math.ceil(gap / 10) * 10, kicks]);
      }
      expect(gaps).toEqual([
        [60, 1],
        [60, 2],
        [60, 3],
      ]);
    });

    it('counts anew after an attempt', async () => {
      const lease = await claimedJob(store.jobs);
      await store.rows('UPDATE jobs SET kicks = 9');
      await store.jobs.failAttempt({ ...lease, detail: '503', retryInMs: 1 });
      expect((await times(lease.jobId)).kicks).toBe(0);
    });

    it('takes the longest overdue first, up to the limit', async () => {
      const ids = [];
      for (const seconds of [10, 30, 20]) {
        const id = await jobIn(store, 'bot');
        await store.rows(`UPDATE jobs SET next_kick_at = now() - $2 * interval '1 second' WHERE id = $1`, [
          id,
          seconds,
        ]);
        ids.push(id);
      }
      const bells = await store.jobs.kickOverdue(2);
      expect(bells.map((bell) => bell.jobId).sort()).toEqual([ids[1], ids[2]].sort());
    });
  });
});
