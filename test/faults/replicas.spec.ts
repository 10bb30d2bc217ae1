import { randomUUID } from 'node:crypto';
import { beforeAll, expect, it } from '@jest/globals';
import { createClient, until, type ServiceProcess } from '@hitl/testing';
import {
  DEADLINE,
  decide,
  expectInferredOnce,
  metric,
  post,
  statuses,
  submitMany,
  takes,
  TEST_DEADLINE,
  useSystem,
  type HttpAnswer,
} from './support';

const system = useSystem();
let gateways: [ServiceProcess, ServiceProcess];
let reviewServices: [ServiceProcess, ServiceProcess];

beforeAll(async () => {
  [gateways, reviewServices] = await Promise.all([
    system.startAll('gateway', 'gateway'),
    system.startAll('review-service', 'review-service'),
    system.start('inference-worker', { MODEL_API_KEY: 'first', WORKER_CONCURRENCY: '10' }),
    system.start('inference-worker', { MODEL_API_KEY: 'second', WORKER_CONCURRENCY: '10' }),
  ]);
}, TEST_DEADLINE);

it(
  'two of each share the work',
  async () => {
    const { stub } = system;
    stub.answer = takes(50);
    const ids = await submitMany(60, ...gateways);
    await expectInferredOnce(system.database, ids);
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
    const [id] = await submitMany(1, gateways[0]);
    await expectInferredOnce(system.database, [id!]);
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, n) =>
        decide(gateways[n % 2]!, id!, n % 4 < 2 ? { verdict: 'approve' } : { verdict: 'reject' }),
      ),
    );
    const winners = answers.filter(({ status }) => status === 200);
    const losers = answers.filter(({ status }) => status === 409);
    expect([winners.length, losers.length]).toEqual([1, 99]);
    expect(new Set(losers.map(({ body }) => body.code))).toEqual(new Set(['already_decided']));

    const decisions = await system.database.query('SELECT verdict FROM decisions WHERE job_id = $1', [id]);
    const events = await system.database.query(
      `SELECT type, status FROM job_events WHERE job_id = $1 AND type = 'decided'`,
      [id],
    );
    expect(decisions).toEqual([{ verdict: winners[0]!.body.status === 'success' ? 'approve' : 'reject' }]);
    expect(events).toEqual([{ type: 'decided', status: winners[0]!.body.status }]);
  },
  TEST_DEADLINE,
);

it(
  'bulks through two gateways that overlap in reversed orders, with cancels between them, meet in no deadlock and decide once',
  async () => {
    const ids = await submitMany(100, ...gateways);
    await expectInferredOnce(system.database, ids);
    /** Decides on them, again with the same ids what a busy machine had no time for; answers how many took effect. */
    const bulk = async (gateway: ServiceProcess, jobs: string[]): Promise<number> => {
      let open = jobs.map((job_id) => ({ id: randomUUID(), job_id, revision: 1, verdict: 'approve' }));
      let decided = 0;
      while (open.length > 0) {
        const { status, body } = await createClient(gateway.url).post('/v1/reviews/decisions', {
          decisions: open,
        });
        expect(status).toBe(200);
        const results = body.results as { job: object | null; problem: { status: number } | null }[];
        decided += results.filter(({ job }) => job).length;
        const refused = results.flatMap(({ problem }) => problem?.status ?? []);
        expect(refused.filter((code) => code !== 409 && code !== 503)).toEqual([]);
        open = open.filter((_, index) => results[index]!.problem?.status === 503);
      }
      return decided;
    };
    const [there, back] = [ids, ids.toReversed()];
    const [bulks, cancels] = await Promise.all([
      Promise.all([
        bulk(gateways[0], there),
        bulk(gateways[1], back),
        bulk(gateways[0], back),
        bulk(gateways[1], there),
      ]),
      Promise.all(
        ids
          .filter((_, index) => index % 5 === 0)
          .map((id, index) => post(`${gateways[index % 2]!.url}/v1/jobs/${id}/cancel`)),
      ),
    ]);
    expect(cancels.filter(({ status }) => status !== 200 && status !== 409)).toEqual([]);
    const cancelled = cancels.filter(({ status }) => status === 200).length;
    expect(bulks.reduce((sum, decided) => sum + decided) + cancelled).toBe(ids.length);
    expect(
      await system.database.query(
        `SELECT deadlocks::int, (SELECT count(*)::int FROM job_events WHERE type IN ('decided', 'cancelled') AND job_id = ANY($1)) AS ends
         FROM pg_stat_database WHERE datname = current_database()`,
        [ids],
      ),
    ).toEqual([{ deadlocks: 0, ends: ids.length }]);
  },
  TEST_DEADLINE,
);

const reviewJob = (body: object): Promise<HttpAnswer> => post(`${gateways[0].url}/reviewJob`, body);
const send = (method: string, path: string): Promise<Response> =>
  fetch(`${gateways[0].url}/v1/reviews/${path}`, { method, headers: { 'x-hitl-actor': 'ann' } });
const job = async (id: string) =>
  (
    await system.database.query<{ status: string; revision: number }>(
      `SELECT status, revision, claimed_by, (SELECT count(*)::int FROM job_events e WHERE e.job_id = j.id) AS events FROM jobs j WHERE id = $1`,
      [id],
    )
  )[0];

it(
  'commands that a frozen review service holds do nothing once their senders have given up',
  async () => {
    const [gateway, [frozen, second]] = [gateways[0], reviewServices];
    await second.stop();
    const ids = await submitMany(7, gateway);
    await until(
      'all wait',
      async () => (await statuses(system.database, ids)).human === ids.length,
      DEADLINE,
    );
    const [changed, same, edited, claimed, noted, held, probe] = ids as [string, ...string[]];
    process.kill(frozen.pid, 'SIGSTOP');
    const late = await Promise.all([
      reviewJob({ id: changed, status: 'success' }),
      reviewJob({ id: same, status: 'success' }),
      reviewJob({ id: edited, status: 'human', response: 'edited' }),
      send('PUT', `${claimed!}/claim`),
      send('POST', 'claim-next'),
      post(`${gateways[0].url}/v1/reviews/${noted!}/notes`, { text: 'a note' }),
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
