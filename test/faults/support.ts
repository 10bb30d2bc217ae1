import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from '@jest/globals';
import {
  createTestDatabase,
  runService,
  startModelStub,
  startService,
  testAmqpUrl,
  until,
  type AppName,
  type ModelStub,
  type ServiceProcess,
  type TestDatabase,
} from '@hitl/testing';
import pg from 'pg';
import { lives } from '../../scripts/services/lives.mjs';

/** How long anything may take on a busy machine, in milliseconds. The usual run needs a fraction of it. */
export const DEADLINE = 60_000;
/** For whole tests, which wait for several things. */
export const TEST_DEADLINE = 150_000;

/** Settings that make the system notice and repair faults within a second or two. */
const QUICK = {
  WORKER_LEASE_MS: '1000',
  OUTBOX_POLL_MS: '100',
  RECONCILE_INTERVAL_MS: '100',
  MODEL_RETRY_DELAY_MS: '50',
  LOG_LEVEL: 'info',
};

/** A folder for a server of the test's own, which may run as another user. */
export function temporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'hitl-faults-'));
  chmodSync(path, 0o711);
  return {
    path,
    remove: () => {
      rmSync(path, { recursive: true, force: true });
    },
  };
}

/** Sends a signal to the server that runs in `folder`, and to all its children. */
export function signalServer(
  folder: string,
  name: 'postgres' | 'rabbitmq',
  signal: 'SIGSTOP' | 'SIGCONT',
): void {
  const { pid } = JSON.parse(readFileSync(join(folder, `${name}.pid`), 'utf8')) as { pid: number };
  process.kill(pid, signal);
  for (const child of lives().filter(({ parent }) => parent === pid)) process.kill(child.pid, signal);
}

/** Brings the schema of an empty database up to date, and looks into it. */
export async function migratedDatabase(url: string): Promise<TestDatabase> {
  const { code, stderr } = await runService('cli', ['migrate'], { DATABASE_URL: url });
  if (code !== 0) throw new Error(`the database cannot be migrated: ${stderr}`);
  const pool = new pg.Pool({ connectionString: url, max: 3 });
  pool.on('error', () => undefined);
  return {
    url,
    query: async <T>(sql: string, parameters?: unknown[]) => (await pool.query(sql, parameters)).rows as T[],
    drop: () => pool.end(),
  };
}

/** A system of processes on one model stub. */
export interface System {
  stub: ModelStub;
  /** Starts one more process. */
  start(app: AppName, env?: Record<string, string>): Promise<ServiceProcess>;
  /** Starts one more process of each app named. */
  startAll<Apps extends AppName[]>(...apps: Apps): Promise<{ [Index in keyof Apps]: ServiceProcess }>;
  /** The processes that ended without having been told to, with their last lines. */
  deaths(): string[];
  stop(): Promise<void>;
}

/** @param env what all processes get, beside {@link QUICK} and the model stub */
export async function createSystem(env: Record<string, string>): Promise<System> {
  const stub = await startModelStub();
  const running = new Set<ServiceProcess>();
  const deaths: string[] = [];
  const system: System = {
    stub,
    async start(app, more = {}) {
      const started = await startService(
        app,
        { ...QUICK, MODEL_PROVIDER: 'http', MODEL_BASE_URL: stub.url, ...env, ...more },
        DEADLINE,
      );
      running.add(started);
      let told = false;
      void started.ended.then(({ code, signal }) => {
        running.delete(started);
        if (told) return;
        deaths.push(`${app} ended (${String(signal ?? code)}):\n${started.logs.slice(-10).join('\n')}`);
      });
      return {
        ...started,
        stop() {
          told = true;
          return started.stop();
        },
        kill() {
          told = true;
          return started.kill();
        },
      };
    },
    startAll: <Apps extends AppName[]>(...apps: Apps) =>
      Promise.all(apps.map((app) => system.start(app))) as Promise<{ [Index in keyof Apps]: ServiceProcess }>,
    deaths: () => deaths,
    async stop() {
      await Promise.all([...running].map((one) => one.kill()));
      await stub.close();
    },
  };
  return system;
}

/** What a system stands on. */
export interface Surroundings {
  database: TestDatabase;
  /** Where the processes find it. */
  env: Record<string, string>;
  /** Ends what was started for it. */
  stop?(): Promise<unknown>;
}

/**
 * For the top of a spec: a system without processes and what it stands on, there before the first test and gone after the
 * last one; with `each`, anew for each test.
 * @param on what it stands on: a database of its own and the run's broker by default
 */
export function useSystem({
  on = onRunsServers,
  each = false,
}: { on?: () => Promise<Surroundings>; each?: boolean } = {}): System & { database: TestDatabase } {
  const own = {} as System & { database: TestDatabase };
  let surroundings: Surroundings;
  const [before, after] = each ? [beforeEach, afterEach] : [beforeAll, afterAll];
  before(async () => {
    surroundings = await on();
    Object.assign(own, await createSystem(surroundings.env), { database: surroundings.database });
  }, TEST_DEADLINE);
  after(async () => {
    await own.stop();
    await surroundings.database.drop();
    await surroundings.stop?.();
  }, TEST_DEADLINE);
  return own;
}

async function onRunsServers(): Promise<Surroundings> {
  const AMQP_URL = testAmqpUrl();
  const database = await createTestDatabase();
  return { database, env: { DATABASE_URL: database.url, AMQP_URL } };
}

/** How many calls to the model were given up by their caller before they were answered. */
export function abortedCalls({ requests }: ModelStub): number {
  return requests.filter(({ aborted }) => aborted).length;
}

/** Answers like a model that needs `ms` for each answer. */
export function takes(ms: number): ModelStub['answer'] {
  return ({ body }) => ({ body: { echo: body }, delayMs: ms });
}

export interface HttpAnswer {
  status: number;
  headers: Headers;
  /** A job, or a problem. */
  body: { id: string; status: string | number; code?: string; type?: string; detail?: string };
}

export async function post(
  url: string,
  body: object = {},
  headers: Record<string, string> = {},
): Promise<HttpAnswer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(DEADLINE),
  });
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as HttpAnswer['body'],
  };
}

/** Fails unless the answer is how trouble of the surroundings is told. */
export function expectUnavailable({ status, headers, body }: HttpAnswer): void {
  expect([status, body.code]).toEqual([503, 'unavailable']);
  expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
}

export const submit = (gateway: ServiceProcess, payload: object | string = {}): Promise<HttpAnswer> =>
  post(`${gateway.url}/v1/jobs`, { payload });

/** Decides on the first revision. */
export const decide = (gateway: ServiceProcess, id: string, decision: object): Promise<HttpAnswer> =>
  post(`${gateway.url}/v1/reviews/${id}/decision`, decision, { 'if-match': '"1"' });

/** Approves the first revision, unless an earlier try whose reply was lost has done it already. */
export async function approved(gateway: ServiceProcess, id: string): Promise<boolean> {
  const { status } = await decide(gateway, id, { verdict: 'approve' });
  return status === 200 || status === 409;
}

/** Submits `{n: 0}` to `{n: count - 1}`, shared out among the gateways; answers the jobs' ids. */
export async function submitMany(count: number, ...gateways: ServiceProcess[]): Promise<string[]> {
  const answers = await Promise.all(
    Array.from({ length: count }, (_, n) => submit(gateways[n % gateways.length]!, { n })),
  );
  const refused = answers.find((answer) => answer.status !== 202);
  if (refused) throw new Error(`a job was refused: ${JSON.stringify(refused.body)}`);
  return answers.map((answer) => answer.body.id);
}

/** How many of the jobs are in each status, such as `{ bot: 3, human: 197 }`. */
export async function statuses(database: TestDatabase, ids: string[]): Promise<Record<string, number>> {
  const rows = await database.query<{ status: string; count: number }>(
    'SELECT status, count(*)::int AS count FROM jobs WHERE id = ANY($1) GROUP BY status',
    [ids],
  );
  return Object.fromEntries(rows.map(({ status, count }) => [status, count]));
}

/**
 * Waits until each job waits for a human. Fails unless each has been inferred exactly once: one `submitted` and one
 * `inferred` event, revision 1, and the answer to its own payload.
 */
export async function expectInferredOnce(database: TestDatabase, ids: string[]): Promise<void> {
  let seen: Record<string, number> = {};
  await until(
    `${ids.length} jobs in human`,
    async () => {
      seen = await statuses(database, ids);
      return seen.human === ids.length;
    },
    DEADLINE,
  ).catch((error: unknown) => {
    throw new Error(`${(error as Error).message}: ${JSON.stringify(seen)}`);
  });
  const wrong = await database.query(
    `SELECT j.id, j.revision, j.payload, j.response, array_agg(e.type ORDER BY e.id) AS events
     FROM jobs j LEFT JOIN job_events e ON e.job_id = j.id AND e.type <> 'attempt_failed'
     WHERE j.id = ANY($1)
     GROUP BY j.id
     HAVING j.revision <> 1 OR array_agg(e.type ORDER BY e.id) <> '{submitted,inferred}'
         OR j.response::jsonb IS DISTINCT FROM jsonb_build_object('echo', j.payload::jsonb)`,
    [ids],
  );
  if (wrong.length > 0) throw new Error(`not inferred exactly once: ${JSON.stringify(wrong.slice(0, 5))}`);
}

/** The value of one metric of a process, 0 where it has not been counted yet. */
export async function metric(
  service: ServiceProcess,
  name: string,
  labels: Record<string, string> = {},
): Promise<number> {
  const text = await (await fetch(`${service.url}/metrics`)).text();
  const line = text
    .split('\n')
    .find(
      (candidate) =>
        new RegExp(`^${name}[ {]`).test(candidate) &&
        Object.entries(labels).every(([label, value]) => candidate.includes(`${label}="${value}"`)),
    );
  return Number(line?.split(' ').at(-1) ?? 0);
}

/** Messages that these processes have set aside. */
export async function parked(...services: ServiceProcess[]): Promise<number> {
  const counts = await Promise.all(services.map((one) => metric(one, 'hitl_messages_parked_total')));
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Waits until each process is ready, and publishes. */
export async function allReady(...services: ServiceProcess[]): Promise<void> {
  for (const service of services) {
    await until(
      `${service.url} is ready`,
      async () => {
        const { status, publishing } = await readiness(service);
        return status === 200 && publishing;
      },
      DEADLINE,
    );
  }
}

/** What a process says of itself at /health/ready. */
export async function readiness(
  service: ServiceProcess,
): Promise<{ status: number; consuming: boolean; publishing: boolean }> {
  const response = await fetch(`${service.url}/health/ready`);
  const { consuming, publishing } = (await response.json()) as { consuming: boolean; publishing: boolean };
  return { status: response.status, consuming, publishing };
}
