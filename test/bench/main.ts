import 'reflect-metadata';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createDataSource } from '@hitl/database';
import { completion, startModelStub, startService } from '@hitl/testing';
import pg from 'pg';
import { Agent, request } from 'undici';
import { beBareNode, startBareNode } from './bare-node';
import { bareLifecycle } from './bare-sql';
import { claimNextFlatness } from './claim-next';
import { consoleInBrowser } from './console';
import { cpuMilliseconds, percentile } from './figures';
import { heldClients } from './held';
import { beGreedy, besideGreedyNeighbours } from './neighbours';

const CLIENTS = 128;
const WARM_UP_MS = 4_000;
const MEASURED_MS = Number(process.env.BENCH_SECONDS ?? 15) * 1000;
const PACED_JOBS_PER_SECOND = 50;
/** Lifecycles and decisions of a client that is alone. */
const ALONE = 100;
/** How often a client looks whether its job waits for a human. */
const LOOK_INTERVAL_MS = 20;

const { DATABASE_URL = '', AMQP_URL = '', CHROMIUM = '' } = process.env;
const http = new Agent({ connections: CLIENTS, pipelining: 1 });

async function call(url: string, body?: object): Promise<Record<string, unknown>> {
  const response = await request(url, {
    method: body ? 'POST' : 'GET',
    ...(body && {
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', 'if-match': '"1"' },
    }),
    dispatcher: http,
  });
  const answer = (await response.body.json()) as Record<string, unknown>;
  if (response.statusCode >= 300)
    throw new Error(`${url} answered ${response.statusCode}: ${JSON.stringify(answer)}`);
  return answer;
}

/** Approves a job on the original route. */
const reviewJob = (gateway: string, id: string): Promise<unknown> =>
  call(`${gateway}/reviewJob`, { id, status: 'success' });

/** Submit, read until a human is asked, approve, read. Answers the milliseconds from submit to `human`. */
async function lifecycle(gateway: string, lookEveryMs: number, approve = reviewJob): Promise<number> {
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
  await approve(gateway, String(id));
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

/** What so many clients get, and what one run of theirs takes. */
interface Throughput {
  perSecond: number;
  /** Milliseconds of execution and planning in the database, as pg_stat_statements counts them. */
  statementMs: number;
  /** Milliseconds of CPU of the processes. */
  cpuMs: number;
}

/** Runs `once` again and again in `clients` loops, and counts after the warm-up. */
async function throughput(
  clients: number,
  once: () => Promise<unknown>,
  pids: number[] = [],
): Promise<Throughput> {
  const owner = new pg.Client(DATABASE_URL);
  await owner.connect();
  const start = performance.now() + WARM_UP_MS;
  let cpu = 0;
  const warmedUp = delay(WARM_UP_MS / 2)
    .then(analyze)
    .then(() => delay(start - performance.now()))
    .then(() => owner.query('SELECT statements.pg_stat_statements_reset()'))
    .then(() => {
      cpu = cpuMilliseconds(pids);
    });
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
  await warmedUp;
  const { rows } = await owner.query<{ ms: number }>(
    'SELECT sum(total_exec_time + total_plan_time) AS ms FROM statements.pg_stat_statements',
  );
  await owner.end();
  return {
    perSecond: runs / (MEASURED_MS / 1000),
    statementMs: round((rows[0]?.ms ?? NaN) / runs),
    cpuMs: round((cpuMilliseconds(pids) - cpu) / runs),
  };
}

const round = (value: number): number => Number(value.toFixed(2));

/** Sorted milliseconds of so many runs, one after the other in each of `clients` loops. */
async function times(count: number, once: () => Promise<unknown>, clients = 1): Promise<number[]> {
  const found: number[] = [];
  let left = count;
  await Promise.all(
    Array.from({ length: clients }, async () => {
      for (; left > 0; left -= 1) {
        const began = performance.now();
        await once();
        found.push(performance.now() - began);
      }
    }),
  );
  return found.sort((a, b) => a - b);
}

/** Kilobytes on disk for each job, when all have ended and what is dead is gone. */
async function kilobytesPerJob(): Promise<number> {
  const owner = new pg.Client(DATABASE_URL);
  await owner.connect();
  await owner.query('VACUUM');
  const { rows } = await owner.query<{ bytes: string; jobs: string }>(
    `SELECT sum(pg_total_relation_size(oid)) AS bytes, (SELECT count(*) FROM jobs) AS jobs
     FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace`,
  );
  await owner.end();
  return round(Number(rows[0]?.bytes) / 1024 / Number(rows[0]?.jobs));
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

  const pids = services.map(({ pid }) => pid);
  const whole = await throughput(CLIENTS, () => lifecycle(gateway, LOOK_INTERVAL_MS), pids);
  stub.requests.length = 0;
  const latencies = await paced(PACED_JOBS_PER_SECOND, () => lifecycle(gateway, 2));
  const approvals: Record<string, number[]> = { reviewJob: [], decision: [] };
  const timed =
    (name: string, approve: typeof reviewJob): typeof reviewJob =>
    async (...job) => {
      const began = performance.now();
      await approve(...job);
      approvals[name]?.push(performance.now() - began);
    };
  const alone = await times(ALONE, () => lifecycle(gateway, 1, timed('reviewJob', reviewJob)));
  const decide: typeof reviewJob = (url, id) =>
    call(`${url}/v1/reviews/${id}/decision`, { verdict: 'approve' });
  await times(ALONE, () => lifecycle(gateway, 1, timed('decision', decide)));
  for (const found of Object.values(approvals)) found.sort((a, b) => a - b);
  const kilobytes = await kilobytesPerJob();
  await Promise.all(services.map((service) => service.stop()));

  const bareNode = await startBareNode(DATABASE_URL, AMQP_URL, stub.url);
  const equivalent = await throughput(CLIENTS, () => lifecycle(bareNode.url, LOOK_INTERVAL_MS), [
    bareNode.pid,
  ]);
  const equivalentAlone = await times(ALONE, () => lifecycle(bareNode.url, 1));
  await bareNode.stop();
  await stub.close();

  const database = await createDataSource(DATABASE_URL, 10).initialize();
  const bare = await throughput(CLIENTS, () => bareLifecycle(database));
  await database.destroy();

  const figures = {
    lifecycles_per_second: Math.round(whole.perSecond),
    bare_node_per_second: Math.round(equivalent.perSecond),
    bare_node_ratio: round(whole.perSecond / equivalent.perSecond),
    statement_ms_per_lifecycle: whole.statementMs,
    bare_node_statement_ms: equivalent.statementMs,
    node_cpu_ms_per_lifecycle: whole.cpuMs,
    bare_node_cpu_ms: equivalent.cpuMs,
    alone_lifecycle_p50_ms: percentile(alone, 0.5),
    bare_node_alone_p50_ms: percentile(equivalentAlone, 0.5),
    alone_review_job_p50_ms: percentile(approvals.reviewJob ?? [], 0.5),
    alone_decision_p50_ms: percentile(approvals.decision ?? [], 0.5),
    disk_kb_per_job: kilobytes,
    same_sql_bare_per_second: Math.round(bare.perSecond),
    ratio: round(whole.perSecond / bare.perSecond),
    submit_to_human_p50_ms: percentile(latencies, 0.5),
    submit_to_human_p99_ms: percentile(latencies, 0.99),
  };
  console.log(`
whole lifecycles, ${CLIENTS} clients on the original routes   ${figures.lifecycles_per_second}/s
bare Node with the same commits                        ${figures.bare_node_per_second}/s   ratio ${figures.bare_node_ratio}
statement time per lifecycle                           ${figures.statement_ms_per_lifecycle} ms   bare Node ${figures.bare_node_statement_ms} ms
CPU of Node per lifecycle                              ${figures.node_cpu_ms_per_lifecycle} ms   bare Node ${figures.bare_node_cpu_ms} ms
lifecycle of a client alone                            p50 ${figures.alone_lifecycle_p50_ms} ms   bare Node ${figures.bare_node_alone_p50_ms} ms
  its /reviewJob and /v1/reviews/{id}/decision         p50 ${figures.alone_review_job_p50_ms} ms, ${figures.alone_decision_p50_ms} ms
on disk for each finished job                          ${figures.disk_kb_per_job} KB
the same SQL, bare, one statement per job, ${CLIENTS} callers  ${figures.same_sql_bare_per_second}/s   ratio ${figures.ratio}
submit to human at ${PACED_JOBS_PER_SECOND} jobs/s                       p50 ${figures.submit_to_human_p50_ms} ms, p99 ${figures.submit_to_human_p99_ms} ms
`);
  return figures;
}

/** What a request costs that a policy approves at once, beside the model, which answers at once. */
async function passes(): Promise<object> {
  const stub = await startModelStub();
  const answer = completion('4');
  stub.answer = () => ({ body: answer });
  const folder = mkdtempSync(join(tmpdir(), 'hitl-bench-'));
  const policy = join(folder, 'policy.yaml');
  writeFileSync(policy, "version: 1\nrules:\n  - { name: all, when: 'true', outcome: approve }\n");
  const env = {
    DATABASE_URL,
    AMQP_URL,
    MODEL_PROVIDER: 'openai',
    MODEL_BASE_URL: stub.url,
    REVIEW_POLICY_FILE: policy,
  };
  const services = await Promise.all([
    startService('gateway', env),
    startService('inference-worker', env),
    startService('review-service', env),
  ]);
  const { url } = services[0];
  let asked = 0;
  // Each question once, as people ask: identical ones wait for each other.
  const pass = (): Promise<unknown> =>
    call(`${url}/v1/chat/completions`, {
      model: 'stub',
      messages: [{ role: 'user', content: `What is 2 + ${(asked += 1)}?` }],
    });
  await times(ALONE, pass, 8);
  await analyze();
  const figures: Record<string, number> = {};
  for (const clients of [1, 8, 64]) {
    const found = await times(ALONE * Math.min(clients, 10), pass, clients);
    figures[`pass_${clients}_clients_p50_ms`] = percentile(found, 0.5);
    figures[`pass_${clients}_clients_p99_ms`] = percentile(found, 0.99);
    console.log(
      `a pass that a policy approves, ${clients} clients   p50 ${percentile(found, 0.5)} ms, p99 ${percentile(found, 0.99)} ms`,
    );
  }
  await Promise.all(services.map((service) => service.stop()));
  await stub.close();
  rmSync(folder, { recursive: true });
  return figures;
}

/** By the names that scripts/bench.mjs passes on. */
const PARTS: Record<string, () => Promise<object>> = {
  lifecycles,
  passes,
  held: () => heldClients({ DATABASE_URL, AMQP_URL }),
  neighbours: () => besideGreedyNeighbours({ DATABASE_URL, AMQP_URL }),
  console: () => consoleInBrowser({ DATABASE_URL, AMQP_URL }, CHROMIUM),
  'claim-next': () => claimNextFlatness(DATABASE_URL),
};
// Neighbours, and the bare server, are processes of their own, so that they do not slow down who measures.
if (process.argv[2] === 'greed') await beGreedy(process.argv.slice(3));
if (process.argv[2] === 'bare') await beBareNode(process.argv.slice(3));
const figures: object[] = [];
for (const name of process.argv.slice(2)) {
  const part = PARTS[name];
  if (!part) throw new Error(`there is no part ${name}`);
  figures.push(await part());
}
console.log(JSON.stringify(Object.assign({}, ...figures)));
