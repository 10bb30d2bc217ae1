import { randomBytes } from 'node:crypto';
import { beforeAll, beforeEach, expect, it } from '@jest/globals';
import { createTestDatabase, testAmqpUrl, until, type ServiceProcess } from '@hitl/testing';
import { moveToSmallDisk, type SmallDisk } from './small-disk';
import {
  DEADLINE,
  decide,
  expectInferredOnce,
  expectUnavailable,
  parked,
  submit,
  submitMany,
  TEST_DEADLINE,
  useSystem,
} from './support';

let disk: SmallDisk;
const system = useSystem({
  on: async () => {
    const AMQP_URL = testAmqpUrl();
    const database = await createTestDatabase();
    disk = await moveToSmallDisk(database);
    return {
      database,
      env: { DATABASE_URL: database.url, AMQP_URL },
      stop: () => Promise.resolve(disk.remove()),
    };
  },
});
let gateway: ServiceProcess;
let worker: ServiceProcess;
let reviews: ServiceProcess;
let finish: () => void;

beforeAll(async () => {
  [gateway, worker, reviews] = await system.startAll('gateway', 'inference-worker', 'review-service');
}, TEST_DEADLINE);
beforeEach(() => {
  const busy = new Promise<void>((resolve) => (finish = resolve));
  system.stub.requests = [];
  system.stub.answer = async ({ body }) => {
    await busy;
    return { body: { echo: body } };
  };
});

/** Waits until the worker keeps the answers to these jobs. */
const kept = (ids: string[]): Promise<unknown> =>
  until(
    'it keeps its answers',
    () => ids.every((id) => worker.logs.some((line) => line.includes(id) && line.includes('is kept'))),
    DEADLINE,
  );

it(
  'keeps answers, jobs and messages while the database refuses the services what they may do',
  async () => {
    const { stub } = system;
    const ids = await submitMany(5, gateway);
    await until('it has all jobs in hand', () => stub.requests.length === ids.length, DEADLINE);

    await system.database.query('REVOKE INSERT ON job_events FROM hitl_app');
    finish();
    await kept(ids);
    const refused = await submit(gateway);
    expectUnavailable(refused);
    expect(JSON.stringify(refused.body)).toContain('SQLSTATE 42501');
    expect(JSON.stringify(refused.body)).not.toContain('job_events');
    expect(await system.database.query(`SELECT FROM jobs WHERE status <> 'bot'`)).toEqual([]);

    await system.database.query('GRANT INSERT ON job_events TO hitl_app');
    await expectInferredOnce(system.database, ids);
    expect(stub.requests).toHaveLength(ids.length);
    await system.database.query('REVOKE INSERT ON decisions FROM hitl_app');
    expect(await decide(gateway, ids[0]!, { verdict: 'approve' })).toMatchObject({ status: 503 });
    await system.database.query('GRANT INSERT ON decisions TO hitl_app');
    expect(await decide(gateway, ids[0]!, { verdict: 'approve' })).toMatchObject({ status: 200 });
    expect(await parked(worker, reviews)).toBe(0);
    expect(system.deaths()).toEqual([]);
  },
  TEST_DEADLINE,
);

it(
  'tells that there is no room while the disk of the database is full, keeps answers and reads on, and stores again once there is',
  async () => {
    const { stub } = system;
    const large = (): string => randomBytes(50_000).toString('base64');
    const ids = await Promise.all(
      Array.from({ length: 5 }, async () => (await submit(gateway, large())).body.id),
    );
    await until('it has all jobs in hand', () => stub.requests.length === ids.length, DEADLINE);
    await disk.fill();
    finish();
    await kept(ids);
    const refused = await submit(gateway, large());
    expectUnavailable(refused);
    expect(refused.body.detail).toContain('The database cannot store anything now: its disk is full');
    expect((await fetch(`${gateway.url}/v1/jobs/${ids[0]!}`)).status).toBe(200);
    expect(await system.database.query(`SELECT FROM jobs WHERE status = 'fail'`)).toEqual([]);

    await disk.empty();
    await expectInferredOnce(system.database, ids);
    expect(stub.requests).toHaveLength(ids.length);
    expect((await submit(gateway, large())).status).toBe(202);
    expect((await decide(gateway, ids[0]!, { verdict: 'approve' })).status).toBe(200);
    expect(await parked(worker, reviews)).toBe(0);
    expect(system.deaths()).toEqual([]);
  },
  TEST_DEADLINE,
);
