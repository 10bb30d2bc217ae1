import { createHash, randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { HoldStore, type Closing, type HeldRequest, type Question } from '@hitl/domain';
import { jobIn } from '@hitl/testing';
import { TEST_STORES, type TestStore } from './store';

const JOIN_MS = 600_000;

describe.each(TEST_STORES)('requests that are held, on $name', ({ open }) => {
  let store: TestStore;
  let holds: HoldStore;
  beforeAll(async () => {
    store = await open();
    holds = new HoldStore(store.database);
  });
  afterEach(() => store.clear());
  afterAll(() => store.close());

  const gatewayId = randomUUID();
  const asked = (question: string) => createHash('sha256').update(question).digest();
  /** Asks; answers the request and the job that it got. */
  async function ask(
    question: string,
    { certain = false, jobId = randomUUID() }: { certain?: boolean; jobId?: string } = {},
  ) {
    await holds.beat(gatewayId);
    const hold: HeldRequest = { gatewayId, requestId: randomUUID(), jobId };
    const got = await holds.join({ ...hold, asked: asked(question), certain, joinMs: JOIN_MS, waitedMs: 0 });
    return { ...hold, ...got! };
  }
  /** Asks through another gateway, which the request reaches in so many minutes. */
  const askElsewhere = (question: string, minutes: number, more: Partial<Question> = {}) =>
    holds.join({
      gatewayId: randomUUID(),
      requestId: randomUUID(),
      jobId: randomUUID(),
      asked: asked(question),
      certain: false,
      joinMs: JOIN_MS,
      waitedMs: -60_000 * minutes,
      ...more,
    });
  /** As if the gateway were last seen in so many minutes. */
  const lastSeen = (minutes: number) =>
    store.database.query(`UPDATE gateways SET seen_at = now() + $1 * interval '1 minute'`, [minutes]);
  const end = (hold: HeldRequest, how: Partial<Closing> = {}) =>
    holds.close([{ ...hold, answered: false, cutAfterMs: null, ...how }]);
  const left = async (): Promise<string[]> =>
    (await store.rows<{ job_id: string }>('SELECT job_id FROM held_requests ORDER BY job_id')).map(
      ({ job_id }) => job_id,
    );
  const age = (jobId: string) =>
    store.database.query(
      `UPDATE held_requests SET held_at = held_at - interval '2 days', left_at = left_at - interval '2 days',
         answered_at = answered_at - interval '2 days' WHERE job_id = $1`,
      [jobId],
    );

  it('get one job each of those that were left, however many come at once', async () => {
    const first = await Promise.all([ask('q'), ask('q'), ask('q')]);
    expect(new Set(first.map(({ jobId }) => jobId)).size).toBe(3);
    await holds.close(first.slice(0, 2).map((hold) => ({ ...hold, answered: false, cutAfterMs: 60_000 })));
    const again = await Promise.all([ask('q'), ask('q'), ask('q'), ask('other')]);
    const jobs = new Set([...first, ...again].map(({ jobId }) => jobId));
    // Two were joined; the third is still held, so a new one was made for the one who came last, and one for the other.
    expect(jobs.size).toBe(5);
    expect(again.filter(({ cutAfterMs }) => cutAfterMs === 60_000)).toHaveLength(2);
  });

  it('get no job while nobody knows whether another gateway still holds an identical one', async () => {
    await ask('q');
    await lastSeen(1);
    expect(await askElsewhere('q', 2)).toBeNull();
    expect(await askElsewhere('other', 2)).not.toBeNull();
    // Where nobody joins, there is nothing to find out.
    expect(await askElsewhere('q', 2, { joinMs: 0 })).not.toBeNull();
  });

  it('get the job of a gateway that stays silent once it counts as dead', async () => {
    const held = await ask('q');
    await lastSeen(-1);
    expect(await askElsewhere('q', -2)).toEqual({ jobId: held.jobId, cutAfterMs: null });
  });

  it('get a job of their own once the other gateway was seen alive after they came', async () => {
    const held = await ask('q');
    await lastSeen(2);
    const own = await askElsewhere('q', 1);
    expect(own).not.toBeNull();
    expect(own!.jobId).not.toBe(held.jobId);
  });

  it('get the job at once where the client says that it repeats', async () => {
    const held = await ask('q');
    await lastSeen(1);
    expect(await askElsewhere('q', 2, { certain: true })).toMatchObject({ jobId: held.jobId });
  });

  it('look at a few pages, however many identical ones there are', async () => {
    await holds.beat(gatewayId);
    // Answered, still held, left too long ago, and held by another gateway that lives.
    await store.database.query(
      `WITH other AS (INSERT INTO gateways (id, seen_at) VALUES (gen_random_uuid(), now() + interval '1 hour') RETURNING id)
       INSERT INTO held_requests (job_id, asked, gateway_id, request_id, held_at, left_at, answered_at)
       SELECT gen_random_uuid(), $1, CASE WHEN n % 4 = 3 THEN other.id ELSE $2 END, gen_random_uuid(), now(),
         CASE WHEN n % 4 = 2 THEN now() - interval '1 day' END, CASE WHEN n % 4 = 0 THEN now() END
       FROM generate_series(1, 8000) n, other`,
      [asked('q'), gatewayId],
    );
    await store.asOwner('ANALYZE held_requests, gateways');
    const question = [randomUUID(), asked('q'), gatewayId, randomUUID()];
    const [row] = await store.rows<{ 'QUERY PLAN': string | object[] }>(
      `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT hitl_hold($1, $2, $3, $4, false, now() - interval '10 minutes', interval '2 seconds')`,
      question,
    );
    const plan = row!['QUERY PLAN'];
    const [{ Plan: top }] = (typeof plan === 'string' ? JSON.parse(plan) : plan) as [
      { Plan: Record<string, number> },
    ];
    expect(top['Shared Hit Blocks']! + top['Shared Read Blocks']!).toBeLessThan(150);
  });

  it('are not ended by the request that somebody took them over from', async () => {
    const first = await ask('q');
    const retry = await ask('q', { certain: true });
    expect(retry.jobId).toBe(first.jobId);
    await end(first);
    expect((await ask('q')).jobId).not.toBe(first.jobId);
    await end(retry);
    expect((await ask('q')).jobId).toBe(first.jobId);
  });

  it('are forgotten once nobody can join them, and not before', async () => {
    const undecided = await ask('1', { jobId: await jobIn(store, 'human') });
    const ended = await ask('2', { jobId: await jobIn(store, 'success') });
    const answered = await ask('3', { jobId: await jobIn(store, 'success') });
    const never = await ask('4');
    const fresh = await ask('5', { jobId: await jobIn(store, 'success') });
    for (const hold of [undecided, ended, never, fresh]) await end(hold);
    await end(answered, { answered: true });
    for (const { jobId } of [undecided, ended, answered, never]) await age(jobId);
    await store.asOwner(
      `UPDATE jobs SET finished_at = finished_at - interval '2 days' WHERE id = ANY($1::uuid[])`,
      [[ended.jobId, answered.jobId]],
    );
    await holds.sweep(JOIN_MS);
    expect(await left()).toEqual([undecided.jobId, fresh.jobId].sort());
  });
});
