import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import {
  createLine,
  createTestDatabase,
  testAmqpUrl,
  until,
  type Line,
  type ServiceProcess,
  type TestDatabase,
} from '@hitl/testing';
import { connect } from 'amqplib';
import {
  abortedCalls,
  createSystem,
  DEADLINE,
  decide,
  expectInferredOnce,
  readiness,
  submitMany,
  takes,
  TEST_DEADLINE,
  type System,
} from './support';

let database: TestDatabase;
let toDatabase: Line;
let toBroker: Line;
let system: System;
let gateway: ServiceProcess;
let worker: ServiceProcess;
let reviews: ServiceProcess;

beforeAll(async () => {
  database = await createTestDatabase();
  [toDatabase, toBroker] = await Promise.all([createLine(database.url), createLine(testAmqpUrl())]);
  system = await createSystem({ DATABASE_URL: toDatabase.url, AMQP_URL: toBroker.url });
  system.stub.answer = takes(300);
  [gateway, worker, reviews] = (await system.startAll('gateway', 'inference-worker', 'review-service')) as [
    ServiceProcess,
    ServiceProcess,
    ServiceProcess,
  ];
}, TEST_DEADLINE);
beforeEach(() => {
  system.stub.requests = [];
});
afterAll(async () => {
  await system.stop();
  toDatabase.close();
  toBroker.close();
  await database.drop();
});

/** All jobs get their answer, and a decision finds its way. */
async function expectHealed(ids: string[]): Promise<void> {
  await expectInferredOnce(database, ids);
  await until(
    'a decision is answered',
    async () => {
      const { status } = await decide(gateway, ids[0]!, { verdict: 'approve' });
      // 409 when the reply to an earlier try was what got lost.
      return status === 200 || status === 409;
    },
    DEADLINE,
  );
  for (const service of [gateway, worker, reviews]) {
    await until('it is ready', async () => (await readiness(service)).status === 200, DEADLINE);
  }
  expect(system.deaths()).toEqual([]);
}

it(
  'goes on when the queues are deleted under their consumers',
  async () => {
    for (const service of [worker, reviews]) {
      await until('it consumes', async () => (await readiness(service)).consuming, DEADLINE);
    }
    const connection = await connect(testAmqpUrl());
    const channel = await connection.createChannel();
    for (const queue of ['hitl.inference', 'hitl.review', 'hitl.review.commands']) {
      expect((await channel.checkQueue(queue)).consumerCount).toBe(1);
      await channel.deleteQueue(queue);
    }
    await connection.close();
    await expectHealed(await submitMany(20, gateway));
  },
  TEST_DEADLINE,
);

it(
  'goes on when the connections to the broker and to the database are cut',
  async () => {
    const ids = await submitMany(100, gateway);
    await until('the worker is busy', () => system.stub.requests.length >= 30, DEADLINE);
    toBroker.cut();
    toDatabase.cut();
    await expectHealed(ids);
    expect(abortedCalls(system.stub)).toBe(0);
  },
  TEST_DEADLINE,
);

it(
  'goes on when the connections to the broker fall silent',
  async () => {
    const ids = await submitMany(100, gateway);
    await until('the worker is busy', () => system.stub.requests.length >= 30, DEADLINE);
    toBroker.silence();
    ids.push(...(await submitMany(20, gateway)));
    await expectHealed(ids);
  },
  TEST_DEADLINE,
);
