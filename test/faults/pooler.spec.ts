import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { createDataSource } from '@hitl/database';
import { createTestDatabase, needs, runService, testAmqpUrl, type TestDatabase } from '@hitl/testing';
import { startPgBouncer } from '../../scripts/services.mjs';
import {
  createSystem,
  decide,
  expectInferredOnce,
  submitMany,
  takes,
  temporaryFolder,
  TEST_DEADLINE,
} from './support';

let folder: ReturnType<typeof temporaryFolder>;
let database: TestDatabase;
let pooler: Awaited<ReturnType<typeof startPgBouncer>> | undefined;

beforeEach(async () => {
  folder = temporaryFolder();
  database = await createTestDatabase();
});
afterEach(async () => {
  await pooler?.stop();
  pooler = undefined;
  await database.drop();
  folder.remove();
});

async function behind(mode: 'session' | 'transaction'): Promise<string> {
  needs('pooler');
  pooler = await startPgBouncer({ dir: join(folder.path, 'pooler'), url: database.url, mode });
  return pooler.url;
}

it(
  'works behind a PgBouncer that pools sessions, as it is installed, with its own limits and role',
  async () => {
    const url = await behind('session');
    const source = await createDataSource(url, 1).initialize();
    expect(
      await source.query(
        `SELECT current_user AS role, current_setting('statement_timeout') AS statement, current_setting('lock_timeout') AS lock,
                current_setting('idle_in_transaction_session_timeout') AS idle`,
      ),
    ).toEqual([{ role: 'hitl_app', statement: '10s', lock: '3s', idle: '10s' }]);
    await source.destroy();

    const system = await createSystem({
      DATABASE_URL: url,
      AMQP_URL: testAmqpUrl(),
      DATABASE_POOL_SIZE: '4',
    });
    try {
      system.stub.answer = takes(20);
      const [gateway] = await system.startAll('gateway', 'inference-worker', 'review-service');
      const ids = await submitMany(30, gateway);
      await expectInferredOnce(database, ids);
      const decided = await Promise.all(ids.map((id) => decide(gateway, id, { verdict: 'approve' })));
      expect(decided.map(({ status }) => status)).toEqual(ids.map(() => 200));
      expect(system.deaths()).toEqual([]);
    } finally {
      await system.stop();
    }
  },
  TEST_DEADLINE,
);

it(
  'does not start behind one that pools transactions, and says what to do',
  async () => {
    const url = await behind('transaction');
    for (const [app, args, cannot] of [
      ['gateway', [], 'gateway cannot start.'],
      ['cli', ['migrate'], 'The database cannot be migrated.'],
    ] as const) {
      const { code, stdout, stderr } = await runService(app, [...args], {
        DATABASE_URL: url,
        AMQP_URL: testAmqpUrl(),
      });
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr.slice(0, cannot.length)).toBe(cannot);
      expect(stderr.slice(cannot.length)).toMatch(
        /^ DATABASE_URL=\S+ cannot be used: the pooler in front of it pools transactions, and connections get each other’s role and limits\. Let it pool sessions \(PgBouncer: pool_mode = session for this database\), or set DATABASE_URL to PostgreSQL itself\.\n$/,
      );
    }
  },
  TEST_DEADLINE,
);
