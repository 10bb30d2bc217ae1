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

/** Claims a job, or renews the claim; answers the status of the response. */
const claim = async (id: string): Promise<number> => {
  const response = await fetch(`${gateway.url}/v1/reviews/${id}/claim`, { method: 'PUT' });
  await response.body?.cancel();
  return response.status;
};

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
  'answers reviewers again each time that the queue of their commands is deleted under load',
  async () => {
    const [id] = await submitMany(1, gateway);
    await until('it waits for a human', async () => (await claim(id!)) === 200, DEADLINE);
    let claimed = 0;
    const others: number[] = [];
    let working = true;
    const reviewers = Array.from({ length: 4 }, async () => {
      while (working) {
        const status = await claim(id!);
        if (status === 200) claimed += 1;
        else others.push(status);
      }
    });
    for (let time = 1; time <= 10; time += 1) {
      const connection = await connect(testAmqpUrl());
      await (await connection.createChannel()).deleteQueue('hitl.review.commands');
      await connection.close();
      const before = claimed;
      // More than those that were answered before the deletion and are counted after it.
      await until(`claims are answered, time ${time}`, () => claimed > before + reviewers.length, DEADLINE);
    }
    working = false;
    await Promise.all(reviewers);
    expect(others.filter((status) => status !== 503)).toEqual([]);
    for (const service of [gateway, worker, reviews]) {
      await until('it is ready', async () => (await readiness(service)).status === 200, DEADLINE);
    }
    expect(system.deaths()).toEqual([]);
  },
  4 * TEST_DEADLINE,
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
