import { afterEach, beforeEach, expect, it } from '@jest/globals';
import {
  createTestDatabase,
  testAmqpUrl,
  until,
  type ServiceProcess,
  type TestDatabase,
} from '@hitl/testing';
import {
  createSystem,
  DEADLINE,
  decide,
  expectInferredOnce,
  metric,
  submit,
  submitMany,
  TEST_DEADLINE,
  type System,
} from './support';

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
  'keeps answers, jobs and messages while the database refuses the services what they may do',
  async () => {
    const { stub } = system;
    let finish = (): void => undefined;
    const busy = new Promise<void>((resolve) => (finish = resolve));
    stub.answer = async ({ body }) => {
      await busy;
      return { body: { echo: body } };
    };
    const [gateway, worker, reviews] = (await system.startAll(
      'gateway',
      'inference-worker',
      'review-service',
    )) as [ServiceProcess, ServiceProcess, ServiceProcess];
    const ids = await submitMany(5, gateway);
    await until('it has all jobs in hand', () => stub.requests.length === ids.length, DEADLINE);

    await database.query('REVOKE INSERT ON job_events FROM hitl_app');
    finish();
    await until(
      'it keeps its answers',
      () => ids.every((id) => worker.logs.some((line) => line.includes(id) && line.includes('is kept'))),
      DEADLINE,
    );
    const refused = await submit(gateway);
    expect(refused).toMatchObject({ status: 503, body: { code: 'unavailable' } });
    expect(refused.headers.get('retry-after')).not.toBeNull();
    expect(JSON.stringify(refused.body)).toContain('SQLSTATE 42501');
    expect(JSON.stringify(refused.body)).not.toContain('job_events');
    expect(await database.query(`SELECT FROM jobs WHERE status <> 'bot'`)).toEqual([]);

    await database.query('GRANT INSERT ON job_events TO hitl_app');
    await expectInferredOnce(database, ids);
    expect(stub.requests).toHaveLength(ids.length);
    await database.query('REVOKE INSERT ON decisions FROM hitl_app');
    expect(await decide(gateway, ids[0]!, { verdict: 'approve' })).toMatchObject({ status: 503 });
    await database.query('GRANT INSERT ON decisions TO hitl_app');
    expect(await decide(gateway, ids[0]!, { verdict: 'approve' })).toMatchObject({ status: 200 });
    for (const one of [worker, reviews]) expect(await metric(one, 'hitl_messages_parked_total')).toBe(0);
    expect(system.deaths()).toEqual([]);
  },
  TEST_DEADLINE,
);
