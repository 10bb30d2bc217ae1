import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createDataSource } from '@hitl/database';
import { isTransient, prepared } from '@hitl/domain';
import { createTestDatabase, until, type TestDatabase } from '@hitl/testing';
import type { DataSource } from 'typeorm';

describe('a pool of one connection to PostgreSQL', () => {
  let database: TestDatabase;
  let source: DataSource;
  beforeAll(async () => {
    database = await createTestDatabase();
    source = createDataSource(database.url, 1);
    source.setOptions({ extra: { ...(source.options.extra as object), query_timeout: 200 } });
    await source.initialize();
  });
  afterAll(async () => {
    await source.destroy();
    await database.drop();
  });
  const serverProcess = async (): Promise<number> => {
    const [row] = await source.query<{ pid: number }[]>('SELECT pg_backend_pid() AS pid');
    return row!.pid;
  };

  it('plans a statement once that has a name', async () => {
    const statement = prepared('twice', 'SELECT $1::int AS n');
    expect(await source.query(statement, [1])).toEqual([{ n: 1 }]);
    expect(await source.query(statement, [2])).toEqual([{ n: 2 }]);
    expect(
      await source.query('SELECT name, generic_plans + custom_plans AS runs FROM pg_prepared_statements'),
    ).toEqual([{ name: 'twice', runs: '2' }]);
  });

  it('works on with a new connection when an answer does not come in time', async () => {
    const first = await serverProcess();
    const error: unknown = await source.query('SELECT pg_sleep(5)').catch((reason: unknown) => reason);
    expect(error).toMatchObject({ message: 'Query read timeout' });
    expect(isTransient(error)).toBe(true);
    expect(await serverProcess()).not.toBe(first);
  });

  it('works on with a new connection when the server has ended the old one', async () => {
    const first = await serverProcess();
    await database.query('SELECT pg_terminate_backend($1)', [first]);
    const answers = await Promise.allSettled([serverProcess(), serverProcess()]);
    for (const answer of answers) {
      if (answer.status === 'rejected') expect(isTransient(answer.reason)).toBe(true);
    }
    expect(await serverProcess()).not.toBe(first);
  });

  it('works on with a new connection once the old one is as old as it may be, however busy it is', async () => {
    const short = createDataSource(database.url, 1, undefined, 1000);
    await short.initialize();
    const process = async (): Promise<number> =>
      (await short.query<{ pid: number }[]>('SELECT pg_backend_pid() AS pid'))[0]!.pid;
    const first = await process();
    await until('there is another one', async () => (await process()) !== first);
    await short.destroy();
  });
});
