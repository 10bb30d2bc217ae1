import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createDataSource } from '@hitl/database';
import { claim, decide, JobStore, OutboxStore, type Bell } from '@hitl/domain';
import {
  aDecision,
  aJob,
  anEdit,
  createTestDatabase,
  jobIn,
  storesOn,
  until,
  type Stores,
  type TestDatabase,
} from '@hitl/testing';
import type { DataSource } from 'typeorm';

/** What only several connections can show: the embedded database has one. */
describe('several processes on one PostgreSQL', () => {
  let database: TestDatabase;
  let sources: DataSource[];
  let stores: Stores[];
  beforeAll(async () => {
    database = await createTestDatabase();
    sources = await Promise.all(
      Array.from({ length: 4 }, () => createDataSource(database.url, 5).initialize()),
    );
    stores = sources.map(storesOn);
  });
  afterEach(() => database.query('TRUNCATE jobs, decisions, drafts, job_events, event_chains, outbox'));
  afterAll(async () => {
    await Promise.all(sources.map((source) => source.destroy()));
    await database.drop();
  });

  /** The same call from `count` callers, spread over the processes. */
  const fromAll = <T>(count: number, call: (stores: Stores, index: number) => Promise<T>): Promise<T[]> =>
    Promise.all(Array.from({ length: count }, (_, index) => call(stores[index % stores.length]!, index)));
  const submitMany = async (count: number): Promise<string[]> => {
    const wanted = Array.from({ length: count }, () => aJob());
    await fromAll(count, ({ jobs }, index) => jobs.submit(wanted[index]!));
    return wanted.map((job) => job.id);
  };
  /** Holds the rows that a SELECT … FOR UPDATE finds while `work` runs, as another process in the middle of it. */
  async function whileLocked<T>(select: string, work: () => Promise<T>): Promise<T> {
    const other = sources[3]!.createQueryRunner();
    await other.startTransaction();
    try {
      expect(await other.query(select)).not.toEqual([]);
      return await work();
    } finally {
      await other.rollbackTransaction();
      await other.release();
    }
  }
  /** Takes with every process at once until nothing is left. */
  const drain = (take: (source: DataSource) => Promise<Bell[]>): Promise<Bell[]> =>
    Promise.all(
      sources.map(async (source) => {
        const taken: Bell[] = [];
        for (let bells = await take(source); bells.length > 0; bells = await take(source))
          taken.push(...bells);
        return taken;
      }),
    ).then((parts) => parts.flat());

  it('let one of a hundred decisions on one answer win', async () => {
    const id = await jobIn(stores[0]!, 'human');
    const answers = await fromAll(100, ({ desk }, index) =>
      desk.decide(aDecision(id, { verdict: index % 2 === 0 ? 'approve' : 'regenerate', revision: 1 })),
    );
    expect(answers.filter((answer) => answer !== null)).toHaveLength(1);
    expect(await database.query('SELECT count(*)::int FROM decisions')).toEqual([{ count: 1 }]);
    const events = `SELECT count(*)::int FROM job_events WHERE type IN ('decided', 'regenerated')`;
    expect(await database.query(events)).toEqual([{ count: 1 }]);
  });

  it('make one decision of a hundred requests with one id', async () => {
    const decision = aDecision(await jobIn(stores[0]!, 'human'));
    const answers = await fromAll(100, ({ desk }) => desk.decide(decision));
    expect(answers.filter((answer) => answer !== null)).toHaveLength(1);
  });

  it('give a job to one of a hundred claims', async () => {
    const [jobId = ''] = await submitMany(1);
    const claims = await fromAll(100, ({ jobs }) =>
      jobs.claim({ jobId, token: randomUUID(), leaseMs: 60_000, maxAttempts: 5 }),
    );
    expect(claims.filter((claim) => claim !== null)).toHaveLength(1);
    expect(await database.query('SELECT attempts FROM jobs')).toEqual([{ attempts: 1 }]);
  });

  it('leave a job to the next ring that comes back to the model while they try to claim it', async () => {
    const id = await jobIn(stores[0]!, 'human');
    const other = sources[3]!.createQueryRunner();
    await other.startTransaction();
    const again = aDecision(id, { verdict: 'regenerate', feedback: 'Again.' });
    await decide(other as unknown as DataSource, [again]);
    const claimed = claim(sources[0]!, [{ jobId: id, token: randomUUID(), leaseMs: 60_000, maxAttempts: 5 }]);
    await until('the claim waits for the decision', async () => {
      const waiting = await database.query(
        `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      return waiting.length > 0;
    });
    await other.commitTransaction();
    await other.release();
    expect(await claimed).toEqual([null]);
    const [job] = await database.query('SELECT status, lease_token FROM jobs WHERE id = $1', [id]);
    expect(job).toEqual({ status: 'bot', lease_token: null });
  });

  it('release no edit together with an approval of what it replaces', async () => {
    for (let round = 0; round < 20; round += 1) {
      const id = await jobIn(stores[0]!, 'human');
      const [decided, edited] = await Promise.all([
        stores[0]!.desk.decide(aDecision(id, { revision: 1 })),
        stores[1]!.desk.edit(anEdit(id, { revision: 1 })),
      ]);
      expect([decided !== null, edited !== null].filter(Boolean)).toHaveLength(1);
    }
  });

  it('never take the same outbox row twice', async () => {
    const ids = await submitMany(400);
    await database.query(`UPDATE outbox SET due_at = now() - interval '1 second'`);
    const bells = await drain((source) => new OutboxStore(source).takeDue(7));
    expect(bells.map((bell) => bell.jobId).sort()).toEqual(ids.sort());
  });

  it('never ring twice for the same overdue job', async () => {
    const ids = await submitMany(400);
    await database.query(`UPDATE jobs SET next_kick_at = now() - interval '1 second'`);
    const bells = await drain((source) => new JobStore(source).kickOverdue(7));
    expect(bells.map((bell) => bell.jobId).sort()).toEqual(ids.sort());
  });

  it('decide and claim a hundred and twenty-two of a hundred and twenty-three jobs, one of which somebody has locked', async () => {
    const [store] = stores as [Stores];
    const waiting = await Promise.all(Array.from({ length: 123 }, () => jobIn(store, 'human')));
    const unclaimed = await submitMany(123);
    const results = await whileLocked(
      `SELECT 1 FROM jobs WHERE id IN ('${waiting[60]!}', '${unclaimed[60]!}') FOR UPDATE`,
      () =>
        Promise.allSettled([
          ...waiting.map((id) => store.desk.decide(aDecision(id))),
          ...unclaimed.map((jobId) =>
            store.jobs.claim({ jobId, token: randomUUID(), leaseMs: 60_000, maxAttempts: 5 }),
          ),
        ]),
    );
    const refused = results.flatMap((result, index) =>
      result.status === 'rejected' ? [{ index, error: result.reason as unknown }] : [],
    );
    expect(refused).toMatchObject([
      { index: 60, error: { code: '55P03' } },
      { index: 183, error: { code: '55P03' } },
    ]);
    expect(results.filter((result) => result.status === 'fulfilled' && result.value !== null)).toHaveLength(
      244,
    );
  });

  it('pass over outbox rows that another one is taking, instead of waiting', async () => {
    const [locked, ...free] = await submitMany(3);
    await database.query(`UPDATE outbox SET due_at = now() - interval '1 second'`);
    const bells = await whileLocked(`SELECT 1 FROM outbox WHERE job_id = '${locked}' FOR UPDATE`, () =>
      new OutboxStore(sources[0]!).takeDue(10),
    );
    expect(bells.map((bell) => bell.jobId).sort()).toEqual(free.sort());
  });

  it('pass over overdue jobs that another one is working on, instead of waiting', async () => {
    const [locked, ...free] = await submitMany(3);
    await database.query(`UPDATE jobs SET next_kick_at = now() - interval '1 second'`);
    const bells = await whileLocked(`SELECT 1 FROM jobs WHERE id = '${locked}' FOR UPDATE`, () =>
      stores[0]!.jobs.kickOverdue(10),
    );
    expect(bells.map((bell) => bell.jobId).sort()).toEqual(free.sort());
  });
});
