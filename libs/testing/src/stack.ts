import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canariesOf, CANARY_KEY } from './canary';
import { createClient, type Answer, type Client } from './client';
import { copyEmbeddedDatabase, createTestDatabase, testAmqpUrl, type TestDatabase } from './database';
import { startModelStub, type ModelStub } from './model-stub';
import { startService, type AppName, type ServiceProcess } from './service-process';
import { until } from './until';

/** The two ways to run the whole system. */
export type Way = 'standalone' | 'services';

/** For `describe.each`. */
export const WAYS: { name: string; way: Way }[] = [
  { name: 'standalone, on the embedded database', way: 'standalone' },
  { name: 'three processes, on PostgreSQL and RabbitMQ', way: 'services' },
];

/** The whole system, with a model stub behind it. */
export interface Stack {
  /** The public HTTP. */
  url: string;
  http: Client;
  stub: ModelStub;
  /** Throws on the embedded database, which lets nobody else in. */
  readonly database: TestDatabase;
  processes: ServiceProcess[];
  /** POST /v1/jobs; answers the new job. */
  submit(
    payload: unknown,
    more?: {
      priority?: number;
      metadata?: Record<string, string>;
      callback_url?: string;
      response_schema?: unknown;
    },
    headers?: Record<string, string>,
  ): Promise<any>;
  /** Waits until a job has this status; answers it as its submitter sees it. */
  reaches(id: string, status: string): Promise<any>;
  /** POST /v1/reviews/{id}/decision, on the current revision unless `headers` name another. */
  decide(id: string, decision: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Starts one app anew at its address, on the same data, with other settings on top. */
  restart(app: AppName, env?: Record<string, string>): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Short times, so that tests need not wait, and a whole log, so that what must not be there is found. The model is the stub,
 * spoken to as OpenAI's API. Looks that find nothing cost: at every 50 ms they would take a fifth of a processor.
 */
const QUICK = {
  RECONCILE_INTERVAL_MS: '200',
  MODEL_RETRY_DELAY_MS: '10',
  MODEL_PROVIDER: 'openai',
  MODEL_API_KEY: CANARY_KEY,
  LOG_LEVEL: 'debug',
  SHUTDOWN_GRACE_MS: '2000',
};

/**
 * Starts the system on services of the test run. One at a time: all share one broker.
 * @param env with DATABASE_URL, `standalone` is on that database, which is the caller's
 */
export async function startStack(way: Way, env: Record<string, string> = {}): Promise<Stack> {
  const amqpUrl = way === 'services' ? testAmqpUrl() : '';
  const stub = await startModelStub();
  const dataDir = mkdtempSync(join(tmpdir(), 'hitl-e2e-'));
  const database = way === 'services' ? await createTestDatabase() : undefined;
  if (!database && !env.DATABASE_URL) copyEmbeddedDatabase(dataDir);
  const settings = {
    ...QUICK,
    MODEL_BASE_URL: stub.url,
    ...(database ? { DATABASE_URL: database.url, AMQP_URL: amqpUrl } : { DATA_DIR: dataDir }),
    ...env,
  };
  const apps: AppName[] = database ? ['gateway', 'inference-worker', 'review-service'] : ['standalone'];
  const processes = await Promise.all(apps.map((app) => startService(app, settings)));
  const [{ url }] = processes as [ServiceProcess];
  const canaries = canariesOf(settings);
  const http = canaries.watched(createClient(url));
  const started = [...processes];
  // A job that comes before the broker is there waits for a poller.
  for (const process of processes) {
    await until(`${process.url} is ready`, async () => {
      const { status, body } = await createClient(process.url).get('/health/ready');
      return status === 200 && body.publishing;
    });
  }
  return {
    url,
    http,
    stub,
    processes,
    get database() {
      if (!database) throw new Error('the embedded database lets nobody else in');
      return database;
    },
    async submit(payload, more = {}, headers = {}) {
      const answer = await http.post('/v1/jobs', { payload, ...more }, headers);
      if (answer.status !== 202) throw new Error(`not accepted: ${answer.text}`);
      return answer.body;
    },
    reaches: (id, status) =>
      until(`job ${id} in ${status}`, async () => {
        const { body } = await http.get(`/v1/jobs/${id}`);
        return body.status === status && body;
      }),
    async decide(id, decision, headers = {}) {
      const etag = headers['if-match'] ?? (await http.get(`/v1/jobs/${id}`)).headers.get('etag') ?? '"1"';
      return http.post(`/v1/reviews/${id}/decision`, decision, { ...headers, 'if-match': etag });
    },
    async restart(app, changes = {}) {
      const index = apps.indexOf(app);
      const before = processes[index];
      if (!before) throw new Error(`${app} is no process of this stack`);
      await before.stop();
      const { port } = new URL(before.url);
      const next = await startService(app, { ...settings, PORT: port, ...changes });
      processes[index] = next;
      started.push(next);
    },
    async stop() {
      const silence = canaries.requireSilence(started, stub);
      await silence.catch(() => undefined);
      await Promise.all(processes.map((process) => process.stop()));
      await stub.close();
      await database?.drop();
      rmSync(dataDir, { recursive: true, force: true });
      await silence;
    },
  };
}
