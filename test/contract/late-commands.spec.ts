import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createDataSource } from '@hitl/database';
import { aClaim, aDecision, anEdit, createTestDatabase, jobIn, SCOPE, storesOn, until } from '@hitl/testing';
import { v7 as uuidv7 } from 'uuid';
import { TEST_STORES, type TestStore } from './store';

describe.each(TEST_STORES)('a command after its deadline, on $name', ({ open }) => {
  let store: TestStore;
  beforeAll(async () => {
    store = await open();
  });
  afterEach(() => store.clear());
  afterAll(() => store.close());

  /** A time of the database's clock, whose machine may be another one. */
  const clock = async (offsetMs: number): Promise<string> =>
    new Date((await store.reader.clock()).getTime() + offsetMs).toISOString();

  const waiting = () => jobIn(store, 'human');
  /** Each command: what it is about, and the command itself, which answers something true where it did something. */
  const COMMANDS: Record<string, () => Promise<(deadline: string) => Promise<unknown>>> = {
    ...Object.fromEntries(
      (['approve', 'edit', 'reject', 'regenerate'] as const).map((verdict) => [
        verdict,
        async () => {
          const request = aDecision(await waiting(), { verdict, response: verdict === 'edit' ? 'x' : null });
          return (deadline: string) => store.desk.decide({ ...request, deadline });
        },
      ]),
    ),
    hold: async () => {
      const request = aDecision(await waiting());
      return (deadline) => store.desk.hold({ ...request, deadline }, 60_000);
    },
    undo: async () => {
      const { id: decisionId, jobId, actor } = aDecision(await waiting());
      await store.desk.hold(aDecision(jobId, { id: decisionId }), 60_000);
      return (deadline) => store.desk.undo({ ...SCOPE, jobId, decisionId, actor, deadline });
    },
    'edit without a verdict': async () => {
      const request = anEdit(await waiting());
      return (deadline) => store.desk.edit({ ...request, deadline });
    },
    claim: async () => {
      const request = { ...aClaim(), jobId: await waiting() };
      return (deadline) => store.desk.claimReview({ ...request, deadline });
    },
    'claim the next': async () => {
      await waiting();
      const request = aClaim();
      return (deadline) => store.desk.claimNextReview({ ...request, deadline });
    },
    release: async () => {
      const request = { ...SCOPE, jobId: await waiting(), actor: 'ann' };
      await store.desk.claimReview({ ...aClaim(), ...request });
      return (deadline) => store.desk.releaseReview({ ...request, deadline });
    },
    cancel: async () => {
      const id = await waiting();
      return (deadline) => store.jobs.cancel(SCOPE, id, 'ann', { deadline });
    },
  };

  it.each(Object.keys(COMMANDS))('%s does nothing, and the same command in time does', async (name) => {
    const command = await COMMANDS[name]!();
    const before = await store.everything();
    expect((await command(await clock(0))) || null).toBeNull();
    expect(await store.everything()).toEqual(before);
    expect(await command(await clock(60_000))).toBeTruthy();
    expect(await store.everything()).not.toEqual(before);
  });

  it('a note is not left, and says as before whether the job is there', async () => {
    const note = { ...SCOPE, id: uuidv7(), jobId: await waiting(), actor: 'ann', text: 'x' };
    const before = await store.everything();
    expect(await store.desk.addNote({ ...note, deadline: await clock(0) })).toBe(true);
    expect(await store.everything()).toEqual(before);
  });

  it('a decision that was held in time takes effect after the deadline of its command', async () => {
    const request = aDecision(await waiting(), { deadline: await clock(60_000) });
    await store.desk.hold(request, 0);
    await store.rows(
      `UPDATE jobs SET held_decision = jsonb_set(held_decision, '{deadline}', '"2000-01-01T00:00:00Z"')`,
    );
    expect(await store.desk.settle(request.jobId)).toMatchObject({ status: 'success' });
  });
});

describe('a decision that waits for a lock', () => {
  it('does nothing where its deadline passes meanwhile', async () => {
    const { url, drop } = await createTestDatabase();
    const database = await createDataSource(url, 3).initialize();
    const stores = storesOn(database);
    try {
      const jobId = await jobIn(stores, 'human');
      const runner = database.createQueryRunner();
      await runner.startTransaction();
      await runner.query('SELECT 1 FROM jobs WHERE id = $1 FOR UPDATE', [jobId]);
      const [{ pid, deadline }] = (await runner.query(
        `SELECT pg_backend_pid() AS pid, clock_timestamp() + interval '500 ms' AS deadline`,
      )) as unknown as [{ pid: number; deadline: Date }];
      const decided = stores.desk.decide(aDecision(jobId, { deadline: deadline.toISOString() }));
      await until('it waits for the lock', async () => {
        const rows: unknown[] = await database.query(
          'SELECT 1 FROM pg_locks WHERE NOT granted AND pg_blocking_pids(pid) @> ARRAY[$1::int]',
          [pid],
        );
        return rows.length > 0;
      });
      await until('the deadline has passed', async () => {
        const [{ passed }] = await database.query<[{ passed: boolean }]>(
          'SELECT clock_timestamp() > $1 AS passed',
          [deadline],
        );
        return passed;
      });
      await runner.commitTransaction();
      await runner.release();
      expect(await decided).toBeNull();
    } finally {
      await database.destroy();
      await drop();
    }
  });
});
