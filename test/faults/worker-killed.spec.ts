import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { createTestDatabase, testAmqpUrl, until, type TestDatabase } from '@hitl/testing';
import {
  abortedCalls,
  createSystem,
  DEADLINE,
  expectInferredOnce,
  submitMany,
  takes,
  TEST_DEADLINE,
  type System,
} from './support';

/** Calls that one worker makes at once, by default. */
const CONCURRENCY = 64;

let database: TestDatabase;
let system: System;

beforeEach(async () => {
  database = await createTestDatabase();
  system = await createSystem({ DATABASE_URL: database.url, AMQP_URL: testAmqpUrl() });
});
afterEach(async () => {
  await system.stop();
  await database.drop();
});

it(
  'loses no job and infers none twice when a worker is killed in the middle of its model calls',
  async () => {
    const { stub } = system;
    let answer = (): void => undefined;
    const asked = new Promise<void>((resolve) => (answer = resolve));
    stub.answer = async (request, index) => {
      await asked;
      return takes(10)(request, index);
    };
    const [gateway, first] = await system.startAll(
      'gateway',
      'inference-worker',
      'inference-worker',
      'review-service',
    );

    const ids = await submitMany(200, gateway!);
    await until(
      'both workers have their hands full',
      () => stub.requests.length === 2 * CONCURRENCY,
      DEADLINE,
    );
    await first!.kill();
    await until('the model is left waiting', () => abortedCalls(stub) === CONCURRENCY, DEADLINE);
    answer();
    await system.start('inference-worker');

    await expectInferredOnce(database, ids);
    // Only what the dead worker had in hand was asked again.
    expect(stub.requests.length).toBeGreaterThanOrEqual(ids.length + abortedCalls(stub));
    expect(stub.requests.length).toBeLessThanOrEqual(ids.length + CONCURRENCY);
    expect(system.deaths()).toEqual([]);
  },
  TEST_DEADLINE,
);
