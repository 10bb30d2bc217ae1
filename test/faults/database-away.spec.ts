import { beforeAll, expect, it } from '@jest/globals';
import { testAmqpUrl, until, type ServiceProcess } from '@hitl/testing';
import { startPostgres } from '../../scripts/services.mjs';
import { freePort } from '../../scripts/services/process.mjs';
import {
  allReady,
  DEADLINE,
  decide,
  expectInferredOnce,
  expectUnavailable,
  migratedDatabase,
  parked,
  post,
  readiness,
  statuses,
  submit,
  submitMany,
  takes,
  temporaryFolder,
  TEST_DEADLINE,
  useSystem,
  type HttpAnswer,
} from './support';

let server: Awaited<ReturnType<typeof startPostgres>>;
const system = useSystem({
  on: async () => {
    const AMQP_URL = testAmqpUrl();
    const folder = temporaryFolder();
    server = await startPostgres({ dir: folder.path });
    return {
      database: await migratedDatabase(server.url),
      env: { DATABASE_URL: server.url, AMQP_URL },
      stop: async () => {
        await server.stop();
        folder.remove();
      },
    };
  },
});
let gateway: ServiceProcess;
let worker: ServiceProcess;
let reviews: ServiceProcess;

beforeAll(async () => {
  [gateway, worker, reviews] = await system.startAll('gateway', 'inference-worker', 'review-service');
}, TEST_DEADLINE);

it(
  'keeps every job that was answered 202 and infers none twice when PostgreSQL is killed with jobs in flight',
  async () => {
    const { stub } = system;
    stub.answer = takes(300);

    const ids = await submitMany(200, gateway);
    await until('the worker is busy', () => stub.requests.length >= 50, DEADLINE);

    // Submitters that do not stop for anything: some of their requests are under way when the server dies.
    const answers: HttpAnswer[] = [];
    let submitting = true;
    const submitters = Array.from({ length: 8 }, async () => {
      while (submitting) answers.push(await submit(gateway, { n: 'under way' }));
    });
    await until('some are accepted', () => answers.length >= 50, DEADLINE);
    await server.kill();
    await until('some are refused', () => answers.some(({ status }) => status !== 202), DEADLINE);
    submitting = false;
    await Promise.all(submitters);
    const accepted = answers.filter(({ status }) => status === 202);
    const refused = answers.filter(({ status }) => status !== 202);
    ids.push(...accepted.map(({ body }) => body.id));

    const reading = await fetch(`${gateway.url}/v1/jobs/${ids[0]!}`);
    refused.push({
      status: reading.status,
      headers: reading.headers,
      body: (await reading.json()) as HttpAnswer['body'],
    });
    for (const answer of refused) {
      expectUnavailable(answer);
      expect(answer.body).toMatchObject({ type: 'urn:hitl:problem:unavailable', status: 503 });
    }
    expect((await fetch(`${gateway.url}/health/live`)).status).toBe(200);
    expect((await fetch(`${gateway.url}/health/ready`)).status).toBe(503);

    await server.start();
    await expectInferredOnce(system.database, ids);
    await until(
      'the gateway is ready again',
      async () => (await fetch(`${gateway.url}/health/ready`)).status === 200,
      DEADLINE,
    );
    // Many messages wait at once for the database to come back.
    expect(worker.logs.join('\n')).not.toContain('MaxListenersExceededWarning');
    expect(system.deaths()).toEqual([]);
  },
  TEST_DEADLINE,
);

it(
  'a server that takes no changes any more is a 503 until it does again, and ends no job',
  async () => {
    system.stub.answer = takes(50);
    const [undecided = '', ...ids] = await submitMany(10, gateway);
    await expectInferredOnce(system.database, [undecided, ...ids]);
    const readOnly = async (on: boolean): Promise<void> => {
      await system.database.query(`ALTER SYSTEM SET default_transaction_read_only = ${on ? 'on' : 'off'}`);
      await system.database.query('SELECT pg_reload_conf()');
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
    await allReady(gateway, worker, reviews);
    expect((await decide(gateway, undecided, { verdict: 'approve' })).status).toBe(200);
    await expectInferredOnce(system.database, await submitMany(10, gateway));
    expect(await parked(worker, reviews)).toBe(0);
    expect(system.deaths()).toEqual([]);
  },
  TEST_DEADLINE,
);

it(
  'has a job on disk when it answers 202',
  async () => {
    // Commits that do not wait for the disk reach it a moment later as a rule. Here they do not.
    await system.database.query(`ALTER SYSTEM SET wal_writer_delay = '10s'`);
    await system.database.query('SELECT pg_reload_conf()');
    // A commit of somebody else's would take them to the disk, too.
    await Promise.all([worker.stop(), reviews.stop()]);
    const ids = await submitMany(5, gateway);
    await server.kill();
    await server.start();
    await until(
      'the jobs are there',
      async () => (await statuses(system.database, ids)).bot === ids.length,
      DEADLINE,
    );
  },
  TEST_DEADLINE,
);

it(
  'waits for a database that is away when it starts, alive but not ready',
  async () => {
    await server.stop();
    const [PORT, MANAGEMENT_PORT] = [String(await freePort()), String(await freePort())];
    const url = `http://127.0.0.1:${PORT}`;
    const starting = system.start('gateway', { PORT, MANAGEMENT_PORT });
    starting.catch(() => undefined);
    const answers = (path: string) => fetch(url + path).catch(() => null);
    await until('it is alive', async () => (await answers('/health/live'))?.status === 200, DEADLINE);
    expect((await answers('/health/ready'))?.status).toBe(503);
    const management = (path: string) => fetch(`http://127.0.0.1:${MANAGEMENT_PORT}${path}`);
    expect((await management('/health/live')).status).toBe(200);
    expect((await management('/health/ready')).status).toBe(503);
    const refused = await post(`${url}/v1/jobs`, { payload: {} });
    expect(refused).toMatchObject({ status: 503, body: { code: 'unavailable' } });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(system.deaths()).toEqual([]);

    await server.start();
    const late = await starting;
    expect(late.logs.join('\n')).toMatch(
      /waiting for the database: DATABASE_URL=\S+ cannot be used: .*ECONNREFUSED/,
    );
    expect((await management('/health/ready')).status).toBe(200);
    expect((await submit(late)).status).toBe(202);
    expect(await late.stop()).toBe(0);
  },
  TEST_DEADLINE,
);
