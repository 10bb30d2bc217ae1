import { afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { until, type ServiceProcess } from '@hitl/testing';
import {
  abortedCalls,
  DEADLINE,
  expectInferredOnce,
  metric,
  statuses,
  submitMany,
  takes,
  TEST_DEADLINE,
  useSystem,
} from './support';

/** Calls that one worker makes at once, by default. */
const CONCURRENCY = 64;

const system = useSystem();
let gateway: ServiceProcess;
const workers: ServiceProcess[] = [];

beforeAll(async () => {
  [gateway] = await system.startAll('gateway', 'review-service');
}, TEST_DEADLINE);
beforeEach(() => {
  system.stub.requests = [];
});
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.kill()));
});

async function startWorker(env?: Record<string, string>): Promise<ServiceProcess> {
  const worker = await system.start('inference-worker', env);
  workers.push(worker);
  return worker;
}

/** A promise and what resolves it. */
function gate(): [Promise<void>, () => void] {
  let open = (): void => undefined;
  return [new Promise<void>((resolve) => (open = resolve)), () => open()];
}

it(
  'loses no job and infers none twice when a worker is killed in the middle of its model calls',
  async () => {
    const { stub } = system;
    const [asked, answer] = gate();
    stub.answer = async (request, index) => {
      await asked;
      return takes(10)(request, index);
    };
    const [first] = await Promise.all([startWorker(), startWorker()]);

    const ids = await submitMany(200, gateway);
    await until(
      'both workers have their hands full',
      () => stub.requests.length === 2 * CONCURRENCY,
      DEADLINE,
    );
    await first.kill();
    await until('the model is left waiting', () => abortedCalls(stub) === CONCURRENCY, DEADLINE);
    answer();
    await startWorker();

    await expectInferredOnce(system.database, ids);
    // Only what the dead worker had in hand was asked again.
    expect(stub.requests.length).toBeGreaterThanOrEqual(ids.length + abortedCalls(stub));
    expect(stub.requests.length).toBeLessThanOrEqual(ids.length + CONCURRENCY);
    expect(system.deaths()).toEqual([]);
  },
  TEST_DEADLINE,
);

it(
  'a worker that slept past its leases changes nothing when it wakes up with its answers',
  async () => {
    const { stub } = system;
    const [asleep, wake] = gate();
    const [busy, finish] = gate();
    stub.answer = async ({ body, headers }) => {
      const late = headers.authorization === 'Bearer sleeper';
      await (late ? asleep : busy);
      return { body: { echo: late ? 'too late' : body } };
    };
    // Its hands are full with ten, so that the broker gives it no more.
    const sleeper = await startWorker({
      MODEL_API_KEY: 'sleeper',
      WORKER_CONCURRENCY: '10',
      WORKER_LEASE_MS: '60000',
    });
    const ids = await submitMany(10, gateway);
    await until('it has all jobs in hand', () => stub.requests.length === 10, DEADLINE);
    process.kill(sleeper.pid, 'SIGSTOP');
    await startWorker();
    // As if it had slept for its whole lease. It looks after its leases only every 20 seconds, so when it wakes up it
    // does not know: only the token stands between its answers and the jobs.
    await system.database.query(
      'UPDATE jobs SET lease_until = now(), next_kick_at = now() WHERE id = ANY($1)',
      [ids],
    );
    await until('another worker has them in hand', () => stub.requests.length === 20, DEADLINE);
    wake();
    process.kill(sleeper.pid, 'SIGCONT');
    await until(
      'it has dropped its answers',
      async () => {
        const outcome = { provider: 'http', outcome: 'dropped' };
        return (await metric(sleeper, 'hitl_inference_attempts_total', outcome)) === 10;
      },
      DEADLINE,
    );

    expect(await statuses(system.database, ids)).toEqual({ bot: ids.length });
    finish();
    await expectInferredOnce(system.database, ids);
    expect(stub.requests).toHaveLength(20);
    expect(system.deaths()).toEqual([]);
  },
  TEST_DEADLINE,
);

it(
  'a worker whose claims a database crash took back asks the model again',
  async () => {
    const { stub } = system;
    const [busy, finish] = gate();
    stub.answer = async ({ body }) => {
      await busy;
      return { body: { echo: body } };
    };
    await startWorker();
    const ids = await submitMany(5, gateway);
    await until('it has all jobs in hand', () => stub.requests.length === ids.length, DEADLINE);
    await until(
      'all bells have rung',
      async () => (await system.database.query('SELECT id FROM outbox')).length === 0,
      DEADLINE,
    );
    // As a crash leaves it: a claim does not wait for the disk. And the reconciler does not come to help.
    await system.database.query(
      `UPDATE jobs SET lease_token = NULL, lease_until = NULL, next_kick_at = now() + interval '1 hour' WHERE id = ANY($1)`,
      [ids],
    );
    finish();
    await expectInferredOnce(system.database, ids);
    expect(stub.requests).toHaveLength(2 * ids.length);
    expect(system.deaths()).toEqual([]);
  },
  TEST_DEADLINE,
);
