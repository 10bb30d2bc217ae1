import 'reflect-metadata';
import { setTimeout as delay } from 'node:timers/promises';
import { createDataSource } from '@hitl/database';
import { completion, startModelStub, startService } from '@hitl/testing';
import pg from 'pg';
import { Agent, request } from 'undici';
import { bareLifecycle } from './bare-sql';
import { claimNextFlatness } from './claim-next';
import { consoleInBrowser } from './console';
import { percentile } from './figures';
import { heldClients } from './held';
import { beGreedy, besideGreedyNeighbours } from './neighbours';

const CLIENTS = 128;
const WARM_UP_MS = 4_000;
const MEASURED_MS = Number(process.env.BENCH_SECONDS ?? 15) * 1000;
const PACED_JOBS_PER_SECOND = 50;
/** How often a client looks whether its job waits for a human. */
const LOOK_INTERVAL_MS = 20;

const { DATABASE_URL = '', AMQP_URL = '', CHROMIUM = '' } = process.env;
const http = new Agent({ connections: CLIENTS, pipelining: 1 });

async function call(url: string, body?: object): Promise<Record<string, unknown>> {
  const response = await request(url, {
    method: body ? 'POST' : 'GET',
    ...(body && { body: JSON.stringify(body) }),
    dispatcher: http,
  });
  const answer = (await response.body.json()) as Record<string, unknown>;
  if (response.statusCode >= 300)
    throw new Error(`${url} answered ${response.statusCode}: ${JSON.stringify(answer)}`);
  return answer;
}

/** Submit, read until a human is asked, approve, read. Answers the milliseconds from submit to `human`. */
async function lifecycle(gateway: string, lookEveryMs: number): Promise<number> {
  const began = performance.now();
  const { job_id: id } = await call(`${gateway}/enqueue`, {
    model: 'stub',
    messages: [{ role: 'user', content: 'What is 2 + 2?' }],
  });
  let job = await call(`${gateway}/job?id=${String(id)}`);
  while (job.status !== 'human') {
    if (job.status !== 'bot') throw new Error(`job ${String(id)} is in ${String(job.status)}`);
    await delay(lookEveryMs);
    job = await call(`${gateway}/job?id=${String(id)}`);
  }
  const reached = performance.now();
  await call(`${gateway}/reviewJob`, { id, status: 'success' });
  const done = await call(`${gateway}/job?id=${String(id)}`);
  if (done.status !== 'success')
    throw new Error(`job ${String(id)} was approved but is in ${String(done.status)}`);
  return reached - began;
}

/** What autovacuum does once a minute: until then the plans are those of an empty database. */
async function analyze(): Promise<void> {
  const owner = new pg.Client(DATABASE_URL);
  await owner.connect();
  await owner.query('ANALYZE');
  await owner.end();
}

/** Runs `once` again and again in `clients` loops; answers runs per second after the warm-up. */
async function throughput(clients: number, once: () => Promise<unknown>): Promise<number> {
  const start = performance.now() + WARM_UP_MS;
  const analyzed = delay(WARM_UP_MS / 2).then(analyze);
  const end = start + MEASURED_MS;
  let runs = 0;
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (performance.now() < end) {
        await once();
        const now = performance.now();
        if (now > start && now < end) runs += 1;
      }
    }),
  );
  await analyzed;
  return runs / (MEASURED_MS / 1000);
}

/** Starts runs at a steady pace, whatever became of the earlier ones; answers their sorted results. */
async function paced(perSecond: number, once: () => Promise<number>): Promise<number[]> {
  const runs: Promise<number>[] = [];
  const start = performance.now();
  for (let index = 0; index < (perSecond * MEASURED_MS) / 1000; index += 1) {
    await delay(Math.max(0, start + (index * 1000) / perSecond - performance.now()));
    runs.push(once());
  }
  return (await Promise.all(runs)).sort((a, b) => a - b);
}

/** Whole lives of jobs, and the same SQL alone. */
async function lifecycles(): Promise<object> {
  const stub = await startModelStub();
  const answer = completion('4');
  stub.answer = () => ({ body: answer });
  const env = {
    DATABASE_URL,
    AMQP_URL,
    MODEL_PROVIDER: 'openai',
    MODEL_BASE_URL: stub.url,
  };
  const services = await Promise.all([
    startService('gateway', env),
    startService('inference-worker', env),
    startService('review-service', env),
  ]);
  const gateway = services[0].url;

  const whole = await throughput(CLIENTS, () => lifecycle(gateway, LOOK_INTERVAL_MS));
  stub.requests.length = 0;
  const latencies = await paced(PACED_JOBS_PER_SECOND, () => lifecycle(gateway, 2));
  await Promise.all(services.map((service) => service.stop()));
  await stub.close();

  const database = await createDataSource(DATABASE_URL, 10).initialize();
  const bare = await throughput(CLIENTS, () => bareLifecycle(database));
  await database.destroy();

  const figures = {
    lifecycles_per_second: Math.round(whole),
    same_sql_bare_per_second: Math.round(bare),
    ratio: Number((whole / bare).toFixed(2)),
    submit_to_human_p50_ms: percentile(latencies, 0.5),
    submit_to_human_p99_ms: percentile(latencies, 0.99),
  };
  console.log(`
whole lifecycles, ${CLIENTS} clients on the original routes   ${figures.lifecycles_per_second}/s
the same SQL, bare, one statement per job, ${CLIENTS} callers  ${figures.same_sql_bare_per_second}/s   ratio ${figures.ratio}
submit to human at ${PACED_JOBS_PER_SECOND} jobs/s                       p50 ${figures.submit_to_human_p50_ms} ms, p99 ${figures.submit_to_human_p99_ms} ms
`);
  return figures;
}

/** By the names that scripts/bench.mjs passes on. */
const PARTS: Record<string, () => Promise<object>> = {
  lifecycles,
  held: () => heldClients({ DATABASE_URL, AMQP_URL }),
  neighbours: () => besideGreedyNeighbours({ DATABASE_URL, AMQP_URL }),
  console: () => consoleInBrowser({ DATABASE_URL, AMQP_URL }, CHROMIUM),
  'claim-next': () => claimNextFlatness(DATABASE_URL),
};
// A neighbour is a process of its own, so that it does not slow down who measures.
if (process.argv[2] === 'greed') await beGreedy(process.argv.slice(3));
const figures: object[] = [];
for (const name of process.argv.slice(2)) {
  const part = PARTS[name];
  if (!part) throw new Error(`there is no part ${name}`);
  figures.push(await part());
}
console.log(JSON.stringify(Object.assign({}, ...figures)));
