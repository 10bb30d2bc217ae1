import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createTestDatabase, needs, until, type ServiceProcess, type TestDatabase } from '@hitl/testing';
import { startRabbitMq } from '../../scripts/services.mjs';
import {
  createSystem,
  DEADLINE,
  decide,
  expectInferredOnce,
  readiness,
  submitMany,
  takes,
  temporaryFolder,
  TEST_DEADLINE,
  type System,
} from './support';

type Broker = Awaited<ReturnType<typeof startRabbitMq>>;

const folders = [temporaryFolder(), temporaryFolder()];
let brokers: Broker[];
let database: TestDatabase;
let system: System;
let gateway: ServiceProcess;
let services: ServiceProcess[];

beforeAll(async () => {
  needs('broker');
  brokers = await Promise.all(folders.map(({ path }) => startRabbitMq({ dir: path })));
  database = await createTestDatabase();
  system = await createSystem({
    DATABASE_URL: database.url,
    AMQP_URL: brokers.map(({ url }) => url).join(','),
  });
  system.stub.answer = takes(50);
  services = await system.startAll('gateway', 'inference-worker', 'review-service');
  gateway = services[0]!;
}, 2 * TEST_DEADLINE);
afterAll(async () => {
  signalFirst('SIGCONT');
  await system.stop();
  await Promise.all(brokers.map((broker) => broker.stop()));
  for (const folder of folders) folder.remove();
  await database.drop();
}, TEST_DEADLINE);

/** Stops the process of the first broker, or lets it go on. */
function signalFirst(signal: 'SIGSTOP' | 'SIGCONT'): void {
  const { pid } = JSON.parse(readFileSync(join(folders[0]!.path, 'rabbitmq.pid'), 'utf8')) as { pid: number };
  process.kill(pid, signal);
}

/** Approves a job; what a lost reply had already done counts, too. */
const approved = async (id: string): Promise<boolean> => {
  const { status } = await decide(gateway, id, { verdict: 'approve' });
  return status === 200 || status === 409;
};

it(
  'goes on with the next broker when the first one is frozen, loses nothing, and says what happened',
  async () => {
    for (const service of services) {
      await until('it publishes', async () => (await readiness(service)).publishing, DEADLINE);
    }
    const ids = await submitMany(20, gateway);
    await expectInferredOnce(database, ids);
    await until('a decision is taken', () => approved(ids[0]!), DEADLINE);

    signalFirst('SIGSTOP');
    ids.push(...(await submitMany(20, gateway)));
    await until('a decision is taken by way of the next broker', () => approved(ids[1]!), DEADLINE);
    for (const service of services) {
      await until(
        'it is ready',
        async () => {
          const { status, publishing } = await readiness(service);
          return status === 200 && publishing;
        },
        DEADLINE,
      );
    }
    // Bells of the jobs that the frozen broker had taken.
    await database.query(`UPDATE jobs SET next_kick_at = now() WHERE status = 'bot'`);
    await expectInferredOnce(database, ids.slice(2));

    const told = gateway.logs.join('\n');
    expect(told).toMatch(/the broker is away \((it confirmed nothing for 5 s|Heartbeat timeout)/);
    expect(told).toMatch(/connected to the broker amqp:\/\/127\.0\.0\.1:\d+/);
    for (const { url } of brokers) expect(told).not.toContain(new URL(url).password);
    expect(system.deaths()).toEqual([]);
  },
  4 * DEADLINE,
);
