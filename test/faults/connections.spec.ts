import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import {
  createLine,
  createTestDatabase,
  testAmqpUrl,
  until,
  type Line,
  type ServiceProcess,
} from '@hitl/testing';
import { connect } from 'amqplib';
import {
  abortedCalls,
  allReady,
  approved,
  DEADLINE,
  expectInferredOnce,
  expectUnavailable,
  post,
  readiness,
  submit,
  submitMany,
  takes,
  TEST_DEADLINE,
  useSystem,
  type HttpAnswer,
} from './support';

let toDatabase: Line;
let toBroker: Line;
const system = useSystem({
  on: async () => {
    const amqpUrl = testAmqpUrl();
    const database = await createTestDatabase();
    [toDatabase, toBroker] = await Promise.all([createLine(database.url), createLine(amqpUrl)]);
    return { database, env: { DATABASE_URL: toDatabase.url, AMQP_URL: toBroker.url } };
  },
});
let gateway: ServiceProcess;
let worker: ServiceProcess;
let reviews: ServiceProcess;

beforeAll(async () => {
  system.stub.answer = takes(300);
  [gateway, worker, reviews] = await system.startAll('gateway', 'inference-worker', 'review-service');
}, TEST_DEADLINE);
beforeEach(() => {
  system.stub.requests = [];
});
afterAll(() => {
  toDatabase.close();
  toBroker.close();
});

/** Claims a job, or renews the claim; answers the status of the response. */
const claim = async (id: string): Promise<number> => {
  const response = await fetch(`${gateway.url}/v1/reviews/${id}/claim`, { method: 'PUT' });
  await response.body?.cancel();
  return response.status;
};

/** All jobs get their answer, and a decision finds its way. */
async function expectHealed(ids: string[]): Promise<void> {
  await expectInferredOnce(system.database, ids);
  await until('a decision is taken', () => approved(gateway, ids[0]!), DEADLINE);
  await allReady(gateway, worker, reviews);
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
    await allReady(gateway, worker, reviews);
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

/** Longest time that an answer of the database is waited for, in milliseconds: where there is no long work, and at all. */
const QUICK_LIMIT = 5_000;
const LIMIT = 15_000;
/** How much later than that an answer may reach its client on a busy machine; a second limit on top would be more. */
const SLACK = 3_000;

it(
  'answers within its limits while the network to the database swallows everything, and goes on when it does not',
  async () => {
    const [waiting = '', ...others] = await submitMany(20, gateway);
    await expectInferredOnce(system.database, [waiting, ...others]);
    toDatabase.freeze();
    const url = `${gateway.url}/v1`;
    const get = async (path: string): Promise<HttpAnswer> => {
      const { status, headers, body } = await fetch(url + path).then(async (answer) => ({
        status: answer.status,
        headers: answer.headers,
        body: (await answer.json()) as HttpAnswer['body'],
      }));
      return { status, headers, body };
    };
    const quick: Record<string, () => Promise<HttpAnswer>> = {
      submit: () => submit(gateway),
      read: () => get(`/jobs/${waiting}`),
      claim: () => post(`${url}/reviews/claim-next`),
      decide: () => post(`${url}/reviews/${waiting}/decision`, { verdict: 'approve' }, { 'if-match': '"1"' }),
    };
    const long: Record<string, () => Promise<HttpAnswer>> = {
      'list jobs': () => get('/jobs?limit=10'),
      'list reviews': () => get('/reviews?limit=10'),
      figures: () => get('/stats'),
      cancel: () => post(`${url}/jobs/${waiting}/cancel`),
    };
    const ask = async (name: string, door: () => Promise<HttpAnswer>, limit: number): Promise<void> => {
      const began = performance.now();
      expectUnavailable(await door());
      const took = performance.now() - began;
      if (took > limit + SLACK) throw new Error(`${name} took ${took} ms`);
    };
    // On the connections that were open, then on those that cannot be made; more at once than there are connections.
    for (let round = 0; round < 2; round += 1) {
      await Promise.all(
        Array.from({ length: 15 }, () => [
          ...Object.entries(quick).map(([name, door]) => ask(name, door, QUICK_LIMIT)),
          ...Object.entries(long).map(([name, door]) => ask(name, door, LIMIT)),
        ]).flat(),
      );
    }
    toDatabase.thaw();
    const before = system.stub.requests.length;
    let id = '';
    await until(
      'a job is accepted',
      async () => {
        const { status, body } = await submit(gateway);
        id = body.id;
        return status === 202;
      },
      DEADLINE,
    );
    await until('the model is asked', () => system.stub.requests.length > before, DEADLINE);
    await expectHealed([id]);
  },
  TEST_DEADLINE,
);
