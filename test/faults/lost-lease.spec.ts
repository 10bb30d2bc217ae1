import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { createTestDatabase, testAmqpUrl, until, type TestDatabase } from '@hitl/testing';
import {
  createSystem,
  DEADLINE,
  expectInferredOnce,
  metric,
  statuses,
  submitMany,
  TEST_DEADLINE,
  type System,
} from './support';

let database: TestDatabase;
let system: System;

beforeEach(async () => {
  database = await createTestDatabase();
  system = await createSystem({ DATABASE_URL: database.url, AMQP_URL: testAmqpUrl() });
});
afterEach(async () => {
  await system.stop();
  await database.drop();
});

/** A promise and what resolves it. */
function gate(): [Promise<void>, () => void] {
  let open = (): void => undefined;
  return [new Promise<void>((resolve) => (open = resolve)), () => open()];
}

it(
  'a worker that slept past its leases changes nothing when it wakes up with its answers',
  async () => {
    const { stub } = system;
    const [asleep, wake] = gate();
    const [busy, finish] = gate();
    stub.answer = async ({ body, headers }) => {
      const late = headers.authorization === 'Bearer sleeper';
      await (late ? asleep : busy);
      return { body: { echo: late ? 'too late' : body } };
    };
    // Its hands are full with ten, so that the broker gives it no more.
    const [sleeper, gateway] = await Promise.all([
      system.start('inference-worker', {
        MODEL_API_KEY: 'sleeper',
        WORKER_CONCURRENCY: '10',
        WORKER_LEASE_MS: '60000',
      }),
      system.start('gateway'),
      system.start('review-service'),
    ]);
    const ids = await submitMany(10, gateway);
    await until('it has all jobs in hand', () => stub.requests.length === 10, DEADLINE);
    process.kill(sleeper.pid, 'SIGSTOP');
    await system.start('inference-worker');
    // As if it had slept for its whole lease. It looks after its leases only every 20 seconds, so when it wakes up it
    // does not know: only the token stands between its answers and the jobs.
    await database.query('UPDATE jobs SET lease_until = now(), next_kick_at = now()');
    await until('another worker has them in hand', () => stub.requests.length === 20, DEADLINE);
    wake();
    process.kill(sleeper.pid, 'SIGCONT');
    await until(
      'it has dropped its answers',
      async () => {
        const outcome = { provider: 'http', outcome: 'dropped' };
        return (await metric(sleeper, 'hitl_inference_attempts_total', outcome)) === 10;
      },
      DEADLINE,
    );

    expect(await statuses(database, ids)).toEqual({ bot: ids.length });
    finish();
    await expectInferredOnce(database, ids);
    expect(stub.requests).toHaveLength(20);
    expect(system.deaths()).toEqual([]);
  },
  TEST_DEADLINE,
);

it(
  'a worker whose claims a database crash took back asks the model again',
  async () => {
    const { stub } = system;
    const [busy, finish] = gate();
    stub.answer = async ({ body }) => {
      await busy;
      return { body: { echo: body } };
    };
    const [gateway] = await system.startAll('gateway', 'inference-worker', 'review-service');
    const ids = await submitMany(5, gateway!);
    await until('it has all jobs in hand', () => stub.requests.length === ids.length, DEADLINE);
    await until(
      'all bells have rung',
      async () => (await database.query('SELECT id FROM outbox')).length === 0,
      DEADLINE,
    );
    // As a crash leaves it: a claim does not wait for the disk. And the reconciler does not come to help.
    await database.query(
      `UPDATE jobs SET lease_token = NULL, lease_until = NULL, next_kick_at = now() + interval '1 hour'`,
    );
    finish();
    await expectInferredOnce(database, ids);
    expect(stub.requests).toHaveLength(2 * ids.length);
    expect(system.deaths()).toEqual([]);
  },
  TEST_DEADLINE,
);
