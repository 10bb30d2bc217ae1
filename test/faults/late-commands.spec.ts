import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
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
  post,
  statuses,
  submitMany,
  TEST_DEADLINE,
  type HttpAnswer,
  type System,
} from './support';

let database: TestDatabase;
let system: System;
let gateway: ServiceProcess;
let frozen: ServiceProcess;

beforeAll(async () => {
  database = await createTestDatabase();
  system = await createSystem({ DATABASE_URL: database.url, AMQP_URL: testAmqpUrl() });
  [gateway, frozen] = (await system.startAll('gateway', 'review-service', 'inference-worker')) as [
    ServiceProcess,
    ServiceProcess,
  ];
}, TEST_DEADLINE);
afterAll(async () => {
  await system.stop();
  await database.drop();
});

const reviewJob = (body: object): Promise<HttpAnswer> => post(`${gateway.url}/reviewJob`, body);
const send = (method: string, path: string): Promise<Response> =>
  fetch(`${gateway.url}/v1/reviews/${path}`, { method, headers: { 'x-hitl-actor': 'ann' } });
const job = async (id: string) =>
  (
    await database.query<{ status: string; revision: number }>(
      `SELECT status, revision, claimed_by, (SELECT count(*)::int FROM job_events e WHERE e.job_id = j.id) AS events FROM jobs j WHERE id = $1`,
      [id],
    )
  )[0];

it(
  'commands that a frozen review service holds do nothing once their senders have given up',
  async () => {
    const ids = await submitMany(7, gateway);
    await until('all wait', async () => (await statuses(database, ids)).human === ids.length, DEADLINE);
    const [changed, same, edited, claimed, noted, held, probe] = ids as [string, ...string[]];
    process.kill(frozen.pid, 'SIGSTOP');
    const late = await Promise.all([
      reviewJob({ id: changed, status: 'success' }),
      reviewJob({ id: same, status: 'success' }),
      reviewJob({ id: edited, status: 'human', response: 'edited' }),
      send('PUT', `${claimed!}/claim`),
      send('POST', 'claim-next'),
      post(`${gateway.url}/v1/reviews/${noted!}/notes`, { text: 'a note' }),
      decide(gateway, held!, { verdict: 'approve', undo_ms: 600_000 }),
    ]);
    expect(late.map(({ status }) => status)).toEqual(late.map(() => 503));

    const other = await system.start('review-service');
    // The broker gives each second command to the frozen one still.
    const sendBack = { id: randomUUID(), verdict: 'regenerate', feedback: 'shorter' };
    await until(
      'it was sent back',
      async () => (await decide(gateway, changed, sendBack)).status === 200,
      DEADLINE,
    );
    await until('the second answer', async () => (await job(changed))?.revision === 2, DEADLINE);
    await other.stop();
    const before = await Promise.all(ids.map(job));
    process.kill(frozen.pid, 'SIGCONT');
    // It works off what it holds in the order in which it came; of several at once, this one has further to go.
    await until(
      'the frozen one answers',
      async () => (await send('PUT', `${probe!}/claim`)).status === 200,
      DEADLINE,
    );
    expect((await send('DELETE', `${probe!}/claim`)).status).toBe(204);
    expect((await Promise.all(ids.map(job))).slice(0, -1)).toEqual(before.slice(0, -1));
    expect(await job(changed)).toMatchObject({ status: 'human', revision: 2, claimed_by: null });

    // Whoever was told 503 asks again.
    for (const id of [changed, same, edited]) {
      expect(await reviewJob({ id, status: 'success' })).toMatchObject({ status: 200 });
    }
    expect((await decide(gateway, held!, { verdict: 'approve' })).body.status).toBe('success');
    expect(system.deaths()).toEqual([]);
  },
  TEST_DEADLINE,
);
