import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { testAmqpUrl, until, type ServiceProcess, type TestDatabase } from '@hitl/testing';
import { startPair, type Pair } from './standby';
import {
  createSystem,
  DEADLINE,
  decide,
  expectInferredOnce,
  metric,
  migratedDatabase,
  post,
  readiness,
  submit,
  submitMany,
  takes,
  temporaryFolder,
  TEST_DEADLINE,
  type HttpAnswer,
  type System,
} from './support';

let folder: ReturnType<typeof temporaryFolder>;
let servers: Pair;
let database: TestDatabase;
let system: System;
let gateway: ServiceProcess;
let worker: ServiceProcess;
let reviews: ServiceProcess;

beforeEach(async () => {
  folder = temporaryFolder();
  servers = await startPair(folder.path);
  database = await migratedDatabase(servers.primary.url);
  await servers.caughtUp();
  system = await createSystem({ DATABASE_URL: servers.url, AMQP_URL: testAmqpUrl() });
  system.stub.answer = takes(50);
  [gateway, worker, reviews] = (await system.startAll('gateway', 'inference-worker', 'review-service')) as [
    ServiceProcess,
    ServiceProcess,
    ServiceProcess,
  ];
}, TEST_DEADLINE);
afterEach(async () => {
  await system.stop();
  await database.drop();
  await servers.stop();
  folder.remove();
});

function expectUnavailable({ status, headers, body }: HttpAnswer): void {
  expect(body).toMatchObject({ code: 'unavailable' });
  expect(status).toBe(503);
  expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
}

const parked = async (): Promise<number> => {
  const counts = await Promise.all([worker, reviews].map((one) => metric(one, 'hitl_messages_parked_total')));
  return counts.reduce((sum, count) => sum + count, 0);
};

it(
  'a server that takes no changes any more is a 503 until it does again, and ends no job',
  async () => {
    const [undecided = '', ...ids] = await submitMany(10, gateway);
    await expectInferredOnce(database, [undecided, ...ids]);
    const readOnly = async (on: boolean): Promise<void> => {
      await database.query(`ALTER SYSTEM SET default_transaction_read_only = ${on ? 'on' : 'off'}`);
      await database.query('SELECT pg_reload_conf()');
    };
    await readOnly(true);
    // Its connections stay open, and a reload reaches them a moment later.
    await until('it refuses', async () => (await submit(gateway)).status !== 202, DEADLINE);
    expectUnavailable(await submit(gateway));
    expectUnavailable(await decide(gateway, undecided, { verdict: 'approve' }));
    for (const service of [gateway, worker, reviews]) {
      await until('it is not ready', async () => (await readiness(service)).status === 503, DEADLINE);
    }
    const missing = await fetch(`${gateway.url}/v1/jobs/019a9f3e-5c1c-7b8a-9d2e-3f4a5b6c7d8e`);
    expect(missing.status).toBe(503);

    await readOnly(false);
    for (const service of [gateway, worker, reviews]) {
      await until('it is ready', async () => (await readiness(service)).status === 200, DEADLINE);
    }
    expect((await decide(gateway, undecided, { verdict: 'approve' })).status).toBe(200);
    await expectInferredOnce(database, await submitMany(10, gateway));
    expect(await parked()).toBe(0);
    expect(system.deaths()).toEqual([]);
  },
  TEST_DEADLINE,
);

it(
  'a switchover under load loses nothing, and leaves no connection to the old server',
  async () => {
    const answers: HttpAnswer[] = [];
    let submitting = true;
    const submitters = Array.from({ length: 4 }, async () => {
      while (submitting) answers.push(await submit(gateway, { n: answers.length }));
    });
    await until('some are accepted', () => answers.length >= 20, DEADLINE);
    await servers.switchOver();
    const before = answers.length;
    await until(
      'some are accepted by the other server',
      () => answers.slice(before).filter(({ status }) => status === 202).length >= 20,
      DEADLINE,
    );
    submitting = false;
    await Promise.all(submitters);

    for (const answer of answers) if (answer.status !== 202) expectUnavailable(answer);
    const ids = answers.filter(({ status }) => status === 202).map(({ body }) => body.id);
    const moved = await migratedDatabase(servers.standby.url);
    try {
      await expectInferredOnce(moved, ids);
    } finally {
      await moved.drop();
    }
    const [first = ''] = ids;
    expect((await decide(gateway, first, { verdict: 'approve' })).status).toBe(200);
    expect(
      await post(
        `${gateway.url}/v1/reviews/${first}/decision`,
        { verdict: 'approve' },
        { 'if-match': '"1"' },
      ),
    ).toMatchObject({ status: 409 });
    await until(
      'nobody asks the old server',
      async () =>
        (await database.query(`SELECT FROM pg_stat_activity WHERE application_name = 'hitl'`)).length === 0,
      DEADLINE,
    );
    expect(await parked()).toBe(0);
    expect(system.deaths()).toEqual([]);
  },
  TEST_DEADLINE,
);
