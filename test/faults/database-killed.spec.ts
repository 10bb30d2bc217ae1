import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { testAmqpUrl, until, type TestDatabase } from '@hitl/testing';
import { startPostgres } from '../../scripts/services.mjs';
import { freePort } from '../../scripts/services/process.mjs';
import {
  createSystem,
  DEADLINE,
  expectInferredOnce,
  migratedDatabase,
  post,
  statuses,
  submit,
  submitMany,
  takes,
  temporaryFolder,
  TEST_DEADLINE,
  type HttpAnswer,
  type System,
} from './support';

const folder = temporaryFolder();
let server: Awaited<ReturnType<typeof startPostgres>>;
let database: TestDatabase;
let system: System;

beforeEach(async () => {
  server = await startPostgres({ dir: folder.path });
  database = await migratedDatabase(server.url);
  system = await createSystem({ DATABASE_URL: server.url, AMQP_URL: testAmqpUrl() });
}, TEST_DEADLINE);
afterEach(async () => {
  await system.stop();
  await database.drop();
  await server.stop();
  folder.remove();
});

it(
  'keeps every job that was answered 202 and infers none twice when PostgreSQL is killed with jobs in flight',
  async () => {
    const { stub } = system;
    stub.answer = takes(300);
    const [gateway, worker] = await system.startAll('gateway', 'inference-worker', 'review-service');

    const ids = await submitMany(200, gateway!);
    await until('the worker is busy', () => stub.requests.length >= 50, DEADLINE);

    // Submitters that do not stop for anything: some of their requests are under way when the server dies.
    const answers: HttpAnswer[] = [];
    let submitting = true;
    const submitters = Array.from({ length: 8 }, async () => {
      while (submitting) answers.push(await submit(gateway!, { n: 'under way' }));
    });
    await until('some are accepted', () => answers.length >= 50, DEADLINE);
    await server.kill();
    await until('some are refused', () => answers.some(({ status }) => status !== 202), DEADLINE);
    submitting = false;
    await Promise.all(submitters);
    const accepted = answers.filter(({ status }) => status === 202);
    const refused = answers.filter(({ status }) => status !== 202);
    ids.push(...accepted.map(({ body }) => body.id));

    const reading = await fetch(`${gateway!.url}/v1/jobs/${ids[0]!}`);
    refused.push({
      status: reading.status,
      headers: reading.headers,
      body: (await reading.json()) as HttpAnswer['body'],
    });
    for (const { status, headers, body } of refused) {
      expect(status).toBe(503);
      expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
      expect(body).toMatchObject({ type: 'urn:hitl:problem:unavailable', status: 503 });
    }
    expect((await fetch(`${gateway!.url}/health/live`)).status).toBe(200);
    expect((await fetch(`${gateway!.url}/health/ready`)).status).toBe(503);

    await server.start();
    await expectInferredOnce(database, ids);
    expect((await fetch(`${gateway!.url}/health/ready`)).status).toBe(200);
    // Many messages wait at once for the database to come back.
    expect(worker!.logs.join('\n')).not.toContain('MaxListenersExceededWarning');
    expect(system.deaths()).toEqual([]);
  },
  TEST_DEADLINE,
);

it(
  'has a job on disk when it answers 202',
  async () => {
    // Commits that do not wait for the disk reach it a moment later as a rule. Here they do not.
    await database.query(`ALTER SYSTEM SET wal_writer_delay = '10s'`);
    await database.query('SELECT pg_reload_conf()');
    const gateway = await system.start('gateway');
    const ids = await submitMany(5, gateway);
    await server.kill();
    await server.start();
    await until(
      'the jobs are there',
      async () => (await statuses(database, ids)).bot === ids.length,
      DEADLINE,
    );
  },
  TEST_DEADLINE,
);

it(
  'waits for a database that is away when it starts, alive but not ready',
  async () => {
    await server.stop();
    const PORT = String(await freePort());
    const url = `http://127.0.0.1:${PORT}`;
    const starting = system.start('gateway', { PORT });
    starting.catch(() => undefined);
    const answers = (path: string) => fetch(url + path).catch(() => null);
    await until('it is alive', async () => (await answers('/health/live'))?.status === 200, DEADLINE);
    expect((await answers('/health/ready'))?.status).toBe(503);
    const refused = await post(`${url}/v1/jobs`, { payload: {} });
    expect(refused).toMatchObject({ status: 503, body: { code: 'unavailable' } });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(system.deaths()).toEqual([]);

    await server.start();
    const gateway = await starting;
    expect(gateway.logs.join('\n')).toMatch(
      /waiting for the database: DATABASE_URL=\S+ cannot be used: .*ECONNREFUSED/,
    );
    expect((await submit(gateway)).status).toBe(202);
    expect(await gateway.stop()).toBe(0);
  },
  TEST_DEADLINE,
);
