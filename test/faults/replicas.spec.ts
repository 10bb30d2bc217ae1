import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createTestDatabase, testAmqpUrl, type ServiceProcess, type TestDatabase } from '@hitl/testing';
import {
  createSystem,
  decide,
  expectInferredOnce,
  metric,
  submitMany,
  takes,
  TEST_DEADLINE,
  type System,
} from './support';

let database: TestDatabase;
let system: System;
let gateways: ServiceProcess[];
let reviewServices: ServiceProcess[];

beforeAll(async () => {
  database = await createTestDatabase();
  system = await createSystem({ DATABASE_URL: database.url, AMQP_URL: testAmqpUrl() });
  const started = await Promise.all([
    system.startAll('gateway', 'gateway'),
    system.startAll('review-service', 'review-service'),
    system.start('inference-worker', { MODEL_API_KEY: 'first', WORKER_CONCURRENCY: '10' }),
    system.start('inference-worker', { MODEL_API_KEY: 'second', WORKER_CONCURRENCY: '10' }),
  ]);
  [gateways, reviewServices] = started;
}, TEST_DEADLINE);
afterAll(async () => {
  await system.stop();
  await database.drop();
});

it(
  'two of each share the work',
  async () => {
    const { stub } = system;
    stub.answer = takes(50);
    const ids = await submitMany(60, ...gateways);
    await expectInferredOnce(database, ids);
    const callsBy = (key: string): number =>
      stub.requests.filter(({ headers }) => headers.authorization === `Bearer ${key}`).length;
    expect(callsBy('first')).toBeGreaterThan(0);
    expect(callsBy('second')).toBeGreaterThan(0);
    expect(callsBy('first') + callsBy('second')).toBe(ids.length);

    // Each job through the gateway that did not accept it.
    const answers = await Promise.all(
      ids.map((id, n) => decide(gateways[(n + 1) % 2]!, id, { verdict: 'approve' })),
    );
    expect(answers.map(({ status }) => status)).toEqual(ids.map(() => 200));
    const decisions = await Promise.all(
      reviewServices.map((service) => metric(service, 'hitl_review_decisions_total')),
    );
    expect(Math.min(...decisions)).toBeGreaterThan(0);
    expect(decisions[0]! + decisions[1]!).toBe(ids.length);
  },
  TEST_DEADLINE,
);

it(
  'of a hundred decisions at once on one job, through two gateways, one takes effect and the others get 409',
  async () => {
    const [id] = await submitMany(1, gateways[0]!);
    await expectInferredOnce(database, [id!]);
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, n) =>
        decide(gateways[n % 2]!, id!, n % 4 < 2 ? { verdict: 'approve' } : { verdict: 'reject' }),
      ),
    );
    const winners = answers.filter(({ status }) => status === 200);
    const losers = answers.filter(({ status }) => status === 409);
    expect([winners.length, losers.length]).toEqual([1, 99]);
    expect(new Set(losers.map(({ body }) => body.code))).toEqual(new Set(['already_decided']));

    const decisions = await database.query('SELECT verdict FROM decisions WHERE job_id = $1', [id]);
    const events = await database.query(
      `SELECT type, status FROM job_events WHERE job_id = $1 AND type = 'decided'`,
      [id],
    );
    expect(decisions).toEqual([{ verdict: winners[0]!.body.status === 'success' ? 'approve' : 'reject' }]);
    expect(events).toEqual([{ type: 'decided', status: winners[0]!.body.status }]);
  },
  TEST_DEADLINE,
);
