import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createTestDatabase, needs, until, type ServiceProcess } from '@hitl/testing';
import { startRabbitMq } from '../../scripts/services.mjs';
import {
  abortedCalls,
  allReady,
  DEADLINE,
  decide,
  expectInferredOnce,
  expectUnavailable,
  readiness,
  signalServer,
  statuses,
  submitMany,
  takes,
  temporaryFolder,
  TEST_DEADLINE,
  useSystem,
} from './support';

const folder = temporaryFolder();
let broker: Awaited<ReturnType<typeof startRabbitMq>>;
const system = useSystem({
  each: true,
  on: async () => {
    const database = await createTestDatabase();
    return { database, env: { DATABASE_URL: database.url, AMQP_URL: broker.url } };
  },
});

/** What a process has said of the broker, and all errors of its channels. None may have a stack. */
function brokerLines({ logs }: ServiceProcess): string[] {
  const lines = logs.map((line) => JSON.parse(line) as { msg?: string; err?: { stack?: string } });
  const said = lines.filter(({ msg = '' }) => /broker|channel/.test(msg));
  expect(said.filter(({ err }) => err?.stack !== undefined)).toEqual([]);
  return said.map(({ msg = '' }) => msg);
}

beforeAll(async () => {
  needs('broker');
  broker = await startRabbitMq({ dir: folder.path });
}, TEST_DEADLINE);
afterAll(async () => {
  await broker.stop();
  folder.remove();
});
it(
  'loses no job and infers none twice when the broker is killed with jobs in flight, and accepts jobs meanwhile',
  async () => {
    const { stub } = system;
    stub.answer = takes(300);
    const services = await system.startAll('gateway', 'inference-worker', 'review-service');
    const [gateway] = services;

    const ids = await submitMany(200, gateway);
    await until('the worker is busy', () => stub.requests.length >= 50, DEADLINE);
    await broker.kill();
    expect((await statuses(system.database, ids)).bot).toBeGreaterThan(0);
    ids.push(...(await submitMany(20, gateway)));
    await broker.start();

    await expectInferredOnce(system.database, ids);
    expect(abortedCalls(stub)).toBe(0);
    expect(system.deaths()).toEqual([]);
    // Each process says it once, with the reason.
    for (const service of services) {
      await until('it is back', () => brokerLines(service).length > 1, DEADLINE);
      expect(brokerLines(service)).toEqual([
        expect.stringMatching(/^the broker is away \(.+\); trying again until it is back$/),
        'the broker is back',
      ]);
    }
  },
  TEST_DEADLINE,
);

it(
  'starts without a broker, accepts jobs, and does them once the broker comes',
  async () => {
    system.stub.answer = takes(10);
    await broker.kill();
    const services = await system.startAll('gateway', 'inference-worker', 'review-service');
    const [gateway, worker] = services;
    const ids = await submitMany(50, gateway);
    expect(await readiness(gateway)).toMatchObject({ status: 200, publishing: false });
    expect(await readiness(worker)).toMatchObject({ status: 503, consuming: false });
    await broker.start();

    await expectInferredOnce(system.database, ids);
    expect(await readiness(worker)).toMatchObject({ status: 200, consuming: true });
    expect(system.deaths()).toEqual([]);
    for (const service of services) {
      await until('it is back', () => brokerLines(service).length > 1, DEADLINE);
      expect(brokerLines(service)).toEqual([
        expect.stringMatching(/^waiting for the broker: AMQP_URL=\S+ does not respond yet: /),
        'the broker is back',
      ]);
    }
  },
  TEST_DEADLINE,
);

it(
  'does the jobs that were queued in a broker that comes back empty',
  async () => {
    system.stub.answer = takes(10);
    const [gateway] = await system.startAll('gateway', 'review-service');
    const ids = await submitMany(50, gateway);
    await until(
      'all bells are with the broker, and only there',
      async () => (await system.database.query('SELECT id FROM outbox')).length === 0,
      DEADLINE,
    );
    await broker.kill();
    rmSync(join(folder.path, 'data'), { recursive: true });
    await broker.start();
    const worker = await system.start('inference-worker');
    await until('the worker consumes', async () => (await readiness(worker)).consuming, DEADLINE);
    expect(await statuses(system.database, ids)).toEqual({ bot: ids.length });

    // The reconciler rings for a job that nobody took a minute after its submission. Let that minute be over.
    await system.database.query('UPDATE jobs SET next_kick_at = now()');
    await expectInferredOnce(system.database, ids);
    expect(system.deaths()).toEqual([]);
  },
  TEST_DEADLINE,
);

it(
  'accepts jobs while the broker is frozen, tells who is not ready, and does them once it goes on',
  async () => {
    system.stub.answer = takes(10);
    const services = await system.startAll('gateway', 'inference-worker', 'review-service');
    const [gateway, worker, reviews] = services;
    const ids = await submitMany(10, gateway);
    await expectInferredOnce(system.database, ids);
    signalServer(folder.path, 'rabbitmq', 'SIGSTOP');
    try {
      ids.push(...(await submitMany(20, gateway)));
      // The first one finds out, after as long as a reviewer waits; the next one is told at once.
      for (const time of ['first', 'next']) {
        expectUnavailable(await decide(gateway, ids[0]!, { verdict: 'approve' }));
        await until(
          `the gateway knows, the ${time} time`,
          async () => !(await readiness(gateway)).publishing,
          DEADLINE,
        );
      }
      for (const service of [worker, reviews]) {
        await until('it is not ready', async () => !(await readiness(service)).consuming, DEADLINE);
        expect((await readiness(service)).status).toBe(503);
      }
      expect(await readiness(gateway)).toMatchObject({ status: 200, publishing: false });
      ids.push(...(await submitMany(20, gateway)));
    } finally {
      signalServer(folder.path, 'rabbitmq', 'SIGCONT');
    }
    await allReady(...services);
    await expectInferredOnce(system.database, ids);
    // Nothing of what was told to have failed is done later.
    expect(await statuses(system.database, ids)).toEqual({ human: ids.length });
    expect((await decide(gateway, ids[0]!, { verdict: 'approve' })).status).toBe(200);
    expect(system.deaths()).toEqual([]);
    for (const service of services) {
      const [first, ...rest] = brokerLines(service);
      expect(first).toMatch(/^the broker is away \(.+\); trying again until it is back$/);
      // Between them: what waits in the outbox.
      expect(rest).toContain('the broker is back');
    }
  },
  TEST_DEADLINE,
);
