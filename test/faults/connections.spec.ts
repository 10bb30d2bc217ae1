import { connect as connectTcp, createServer, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import {
  createTestDatabase,
  testAmqpUrl,
  until,
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

/** A way to the server of `url` which can be cut, and which can fall silent. */
interface Line {
  url: string;
  /** Ends all connections. */
  cut(): void;
  /** Swallows from now on what the present connections carry, both ways, and ends none. New ones are not touched. */
  silence(): void;
  close(): void;
}

async function createLine(url: string): Promise<Line> {
  const target = new URL(url);
  const pairs = new Set<[Socket, Socket]>();
  const server = createServer((near) => {
    const far = connectTcp(Number(target.port), target.hostname);
    const pair: [Socket, Socket] = [near, far];
    pairs.add(pair);
    near.pipe(far);
    far.pipe(near);
    for (const socket of pair) {
      socket.on('error', () => undefined);
      socket.on('close', () => {
        near.destroy();
        far.destroy();
        pairs.delete(pair);
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const line = new URL(url);
  line.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const cut = (): void => {
    for (const [near] of pairs) near.destroy();
  };
  return {
    url: line.href,
    cut,
    silence() {
      for (const [near, far] of pairs) {
        near.unpipe(far).resume();
        far.unpipe(near).resume();
      }
    },
    close() {
      cut();
      server.close();
    },
  };
}

let database: TestDatabase;
let toDatabase: Line;
let toBroker: Line;
let system: System;
let gateway: ServiceProcess;
let worker: ServiceProcess;
let reviews: ServiceProcess;

beforeEach(async () => {
  database = await createTestDatabase();
  [toDatabase, toBroker] = await Promise.all([createLine(database.url), createLine(testAmqpUrl())]);
  system = await createSystem({ DATABASE_URL: toDatabase.url, AMQP_URL: toBroker.url });
  system.stub.answer = takes(300);
  [gateway, worker, reviews] = (await system.startAll('gateway', 'inference-worker', 'review-service')) as [
    ServiceProcess,
    ServiceProcess,
    ServiceProcess,
  ];
});
afterEach(async () => {
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
