import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { completion, createClient, startModelStub, startService, until } from '@hitl/testing';
import pg from 'pg';
import { percentile } from './figures';

const MIB = 1_048_576;
const LARGE_JOBS = 150;
const HUGE_BYTES = 20 * MIB - 1000;
/** A little less than one edit may have. */
const EDIT_BYTES = 4 * MIB - 1000;
const MEASURED_MS = Number(process.env.BENCH_SECONDS ?? 15) * 1000;
/** How long a neighbour is greedy before it is looked what others notice. */
const WARM_UP_MS = 2000;
/** Between two looks of the light client. */
const LOOK_INTERVAL_MS = 10;

/** Sends a request again and again; what is answered is read, and does not matter. */
async function keepAsking(url: string, path: string, body?: Buffer | string): Promise<never> {
  for (;;) {
    await new Promise<void>((resolve) => {
      const headers = { 'content-type': 'application/json' };
      const asked = request(`${url}${path}`, { method: body ? 'POST' : 'GET', agent: false, headers });
      asked.on('response', (response) => response.on('close', resolve).resume());
      asked.on('error', () => resolve());
      asked.end(body);
    });
  }
}

const times = (count: number, ask: () => Promise<unknown>): Promise<unknown> =>
  Promise.all(Array.from({ length: count }, ask));

/** A dry run that takes as long as it may. */
function spinningPolicy(): string {
  const rules = Array.from(
    { length: 40 },
    (_, index) =>
      `  - { name: r${index}, outcome: approve, when: 'payload.text.contains(payload.part) || payload.text.split(payload.part).size() > ${index + 2}' }`,
  );
  return JSON.stringify({ policy: `version: 1\nrules:\n${rules.join('\n')}\n`, last: 100 });
}

/** What one client may do to take more than its share, by the name of its figure. */
const GREEDS: Record<string, { title: string; run: (url: string, hugeJob: string) => Promise<unknown> }> = {
  lists: {
    title: `10 readers of lists of ${LARGE_JOBS} MB`,
    run: (url) => times(10, () => keepAsking(url, `/jobs?limit=${LARGE_JOBS}`)),
  },
  huge_job: {
    title: '10 readers of one job of 20 MB',
    run: (url, id) => times(10, () => keepAsking(url, `/v1/jobs/${id}`)),
  },
  large_bodies: {
    title: '4 senders of jobs of 20 MB',
    run: (url) =>
      times(4, () => keepAsking(url, '/v1/jobs', JSON.stringify({ payload: 'x'.repeat(HUGE_BYTES) }))),
  },
  large_edits: {
    title: '4 editors of 4 MB each time',
    run: (url, id) =>
      times(4, () =>
        keepAsking(
          url,
          '/reviewJob',
          JSON.stringify({ id, status: 'human', response: 'x'.repeat(EDIT_BYTES) }),
        ),
      ),
  },
  streams: {
    title: '6,000 event streams, of which so many are let in as may be',
    run: (url) => times(6000, () => keepAsking(url, '/v1/events')),
  },
  deep_bodies: {
    title: '200 bodies of 1 MB that open a list with each byte',
    run: (url) => times(200, () => keepAsking(url, '/v1/jobs', Buffer.alloc(1_000_000, '['))),
  },
  dry_run: {
    title: 'dry runs that spin',
    run: (url) => times(3, () => keepAsking(url, '/v1/policies/dry-run', spinningPolicy())),
  },
};

/** Is greedy until this process is ended. */
export async function beGreedy([name = '', url = '', hugeJob = '']: string[]): Promise<unknown> {
  return GREEDS[name]?.run(url, hugeJob);
}

/** What a light client beside a greedy one notices: the ratio of its p99 to that beside nobody. */
export async function besideGreedyNeighbours(services: {
  DATABASE_URL: string;
  AMQP_URL: string;
}): Promise<object> {
  const stub = await startModelStub();
  stub.answer = () => ({ body: completion('4') });
  const env = { ...services, MODEL_PROVIDER: 'openai', MODEL_BASE_URL: stub.url };
  const processes = await Promise.all([
    startService('gateway', { ...env, NODE_OPTIONS: '--max-old-space-size=256' }),
    startService('inference-worker', env),
    startService('review-service', env),
  ]);
  const [{ url, pid }] = processes;
  const http = createClient(url);
  const submit = async (payload: object): Promise<string> => {
    const { body } = await http.post('/v1/jobs', { payload });
    await until('it waits', async () => (await http.get(`/v1/jobs/${body.id}`)).body.status === 'human');
    return String(body.id);
  };
  const database = new pg.Client(services.DATABASE_URL);
  await database.connect();
  await database.query(
    `INSERT INTO jobs (id, status, payload, response, revision, waiting_since, planned_at)
     SELECT ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'human', to_json(repeat(md5(n::text), $2::int / 32)), '"x"', 1, now(), now()
     FROM generate_series(1, $1::int) n`,
    [LARGE_JOBS, MIB],
  );
  await database.end();
  const hugeJob = await submit({ text: 'x'.repeat(HUGE_BYTES) });
  const text = 'a'.repeat(1_000_000);
  for (let index = 0; index < 3; index += 1) await submit({ text, part: `b${text.slice(0, 400_000)}` });
  const review = await submit({ input: 'x' });

  /** Milliseconds of a submission, a claim and a list, all small, in order. */
  const look = async (): Promise<number[]> => {
    const found: number[] = [];
    for (const end = performance.now() + MEASURED_MS; performance.now() < end;) {
      const began = performance.now();
      const answers = [
        await http.post('/v1/jobs', { payload: { input: 'x' } }),
        await http.put(`/v1/reviews/${review}/claim`, undefined),
        await http.get('/v1/review-summaries?limit=1'),
      ];
      found.push(performance.now() - began);
      const failed = answers.find(({ status }) => status >= 300);
      if (failed) throw new Error(`a light request was answered with ${failed.status}: ${failed.text}`);
      await delay(LOOK_INTERVAL_MS);
    }
    return found.sort((a, b) => a - b);
  };

  await look();
  const quiet = percentile(await look(), 0.99);
  const figures: Record<string, number> = { neighbour_quiet_p99_ms: quiet };
  console.log(`
submit, claim and list beside nobody                  p99 ${quiet} ms`);
  for (const [name, { title }] of Object.entries(GREEDS)) {
    const greedy = fork(process.argv[1] ?? '', ['greed', name, url, hugeJob]);
    await delay(WARM_UP_MS);
    const p99 = percentile(await look(), 0.99);
    await end(greedy);
    figures[`neighbour_${name}_p99_ratio`] = Number((p99 / quiet).toFixed(1));
    console.log(`  beside ${title}: p99 ${p99} ms   ratio ${figures[`neighbour_${name}_p99_ratio`]}`);
  }
  const peak = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  figures.neighbour_gateway_peak_mb = Math.round(Number(peak) / 1024);
  console.log(
    `  the gateway's memory                                at most ${figures.neighbour_gateway_peak_mb} MB`,
  );
  await Promise.all(processes.map((process) => process.stop()));
  await stub.close();
  return figures;
}

async function end(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}
