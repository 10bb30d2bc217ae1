import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  createClient,
  createLine,
  createTestDatabase,
  runService,
  startService,
  testAmqpUrl,
  until,
  type AppName,
  type TestDatabase,
} from '@hitl/testing';

const SERVICES = ['gateway', 'inference-worker', 'review-service'] as const;
const APPS = [...SERVICES, 'standalone'] as const;
const STACK_TRACE = /^\s+at /m;

let dataDir: string;
let database: TestDatabase;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'hitl-e2e-'));
  database = await createTestDatabase();
});

afterAll(async () => {
  await database.drop();
  rmSync(dataDir, { recursive: true, force: true });
});

const environment = (app: AppName): Record<string, string> =>
  app === 'standalone'
    ? { DATA_DIR: dataDir }
    : { DATABASE_URL: database.url, AMQP_URL: testAmqpUrl(), SHUTDOWN_GRACE_MS: '2000' };

describe.each(APPS)('%s', (app) => {
  it('tells about itself at /health/live, /health/ready and /metrics, and ends with 0 on SIGTERM', async () => {
    const process = await startService(app, environment(app));
    const http = createClient(process.url);
    expect((await http.get('/health/live')).body).toEqual({ status: 'ok' });
    await until('ready', async () => {
      const { status, body } = await http.get('/health/ready');
      return status === 200 && body.publishing;
    });
    expect((await http.get('/health/ready')).body).toEqual({
      status: 'ok',
      accepting: true,
      database: true,
      consuming: true,
      publishing: true,
    });
    const { headers, text } = await http.get('/metrics');
    expect(headers.get('content-type')).toContain('text/plain');
    expect(text).toMatch(/^process_resident_memory_bytes \d+$/m);
    expect(text).toMatch(/^# TYPE hitl_jobs_submitted_total counter$/m);
    expect(await process.stop()).toBe(0);
    expect(process.logs.at(-1)).toContain('stopped');
  });

  it('names every variable that is wrong, and shows no secret', async () => {
    const { code, stdout, stderr } = await runService(app, [], {
      PORT: '70000',
      DATABASE_URL: 'mysql://u:hunter2@host/db',
      AMQP_URL: 'hunter2',
      MODEL_PROVIDER: 'oracle',
      MODEL_TIMOUT_MS: '5',
      WORKER_CONCURRENCY: 'many',
      LOG_LEVEL: 'loud',
    });
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(new RegExp(`^${app} cannot start\\. The configuration cannot be used:\n`));
    const named = stderr.split('\n').flatMap((line) => /^ {2}(\w+)[=:]/.exec(line)?.[1] ?? []);
    expect(named).toEqual([
      'PORT',
      'DATABASE_URL',
      'AMQP_URL',
      'MODEL_PROVIDER',
      'MODEL_BASE_URL',
      'WORKER_CONCURRENCY',
      'LOG_LEVEL',
      'MODEL_TIMOUT_MS',
    ]);
    expect(stderr).not.toContain('hunter2');
    expect(stderr).not.toMatch(STACK_TRACE);
  });

  it('says which port is in use', async () => {
    const occupant = createServer().listen(0, '127.0.0.1');
    await once(occupant, 'listening');
    const { port } = occupant.address() as AddressInfo;
    try {
      const env = { ...environment(app), PORT: String(port) };
      const { code, stdout, stderr } = await runService(app, [], env);
      expect(code).toBe(1);
      expect(stderr).toBe(
        `${app} cannot start. Something listens on port ${port} of 127.0.0.1 already. Stop it, or set PORT to another one.\n`,
      );
      expect(stdout + stderr).not.toMatch(STACK_TRACE);
    } finally {
      occupant.close();
    }
  });
});

describe.each(SERVICES)('%s', (app) => {
  it('names both the database and the broker when neither is set', async () => {
    const { code, stderr } = await runService(app, [], {});
    expect(code).toBe(1);
    expect(stderr).toBe(
      `${app} cannot start. DATABASE_URL and AMQP_URL must be set (see .env.example). 'npm run stack' starts what is missing.\n`,
    );
  });

  it('refuses a database that is not migrated, and names the command that mends it', async () => {
    const empty = await createTestDatabase('template0');
    try {
      const { code, stdout, stderr } = await runService(app, [], {
        DATABASE_URL: empty.url,
        AMQP_URL: testAmqpUrl(),
      });
      expect(code).toBe(1);
      expect(stderr).toContain('The database schema is older than this version.');
      expect(stderr).toContain('npm run hitl -- migrate');
      expect(stdout + stderr).not.toMatch(STACK_TRACE);
      expect(stdout).not.toContain('stack');
      expect(await empty.query("SELECT 1 FROM pg_tables WHERE tablename = 'jobs'")).toEqual([]);
    } finally {
      await empty.drop();
    }
  });

  it('is not ready while PostgreSQL does not answer, and still ends with 0', async () => {
    const line = await createLine(database.url);
    const process = await startService(app, { ...environment(app), DATABASE_URL: line.url });
    const http = createClient(process.url);
    await until('ready', async () => (await http.get('/health/ready')).status === 200);
    line.close();
    const { status, body } = await until('not ready', async () => {
      const answer = await http.get('/health/ready');
      return answer.status === 200 ? undefined : answer;
    });
    expect(status).toBe(503);
    expect(body).toMatchObject({ status: 'unavailable', accepting: true, database: false });
    expect((await http.get('/health/live')).status).toBe(200);
    expect((await http.get('/metrics')).status).toBe(200);
    expect(await process.stop()).toBe(0);
  });

  it('is not ready while PostgreSQL answers but takes no jobs', async () => {
    const { pathname } = new URL(database.url);
    const readOnly = async (on: boolean): Promise<void> => {
      await database.query(
        `SET TRANSACTION READ WRITE; ALTER DATABASE ${pathname.slice(1)} SET default_transaction_read_only = ${String(on)}`,
      );
      await database.query(
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
      );
    };
    const process = await startService(app, environment(app));
    const http = createClient(process.url);
    const becomes = (expected: number) =>
      until(`ready is ${expected}`, async () => {
        const answer = await http.get('/health/ready');
        return answer.status === expected ? answer : undefined;
      });
    try {
      await becomes(200);
      await readOnly(true);
      expect((await becomes(503)).body).toMatchObject({ status: 'unavailable', database: false });
    } finally {
      await readOnly(false);
    }
    await becomes(200);
    expect(await database.query('SELECT FROM jobs WHERE project = $1', ['probe'])).toEqual([]);
    expect(await process.stop()).toBe(0);
  });

  it('tells whether the broker answers', async () => {
    const line = await createLine(testAmqpUrl());
    const process = await startService(app, { ...environment(app), AMQP_URL: line.url });
    const http = createClient(process.url);
    const consumes = app !== 'gateway';
    await until('publishing', async () => (await http.get('/health/ready')).body.publishing);
    line.close();
    const { status, body } = await until('not publishing', async () => {
      const answer = await http.get('/health/ready');
      const told = !answer.body.publishing && answer.body.consuming === !consumes;
      return told ? answer : undefined;
    });
    // A gateway takes jobs without a broker; the others have nothing to do.
    expect(status).toBe(consumes ? 503 : 200);
    expect(body).toMatchObject({ database: true, consuming: !consumes, publishing: false });
    expect(await process.stop()).toBe(0);
  });
});

it('is not ready within seconds while PostgreSQL is silent', async () => {
  const line = await createLine(database.url);
  const env = { ...environment('gateway'), DATABASE_URL: line.url, DATABASE_POOL_SIZE: '1' };
  const process = await startService('gateway', env);
  const http = createClient(process.url);
  await until('ready', async () => (await http.get('/health/ready')).status === 200);
  line.silence();
  const start = Date.now();
  const { body } = await until('not ready', async () => {
    const answer = await http.get('/health/ready');
    return answer.status === 503 ? answer : undefined;
  });
  expect(body).toMatchObject({ database: false });
  // Far less than the time after which a statement is given up.
  expect(Date.now() - start).toBeLessThan(8000);
  await process.kill();
  line.close();
});

describe('migrate', () => {
  it('brings an empty database up to date, and changes nothing the second time', async () => {
    const empty = await createTestDatabase('template0');
    const schema = () =>
      empty.query(
        'SELECT table_name, column_name, data_type FROM information_schema.columns ORDER BY 1, 2, 3',
      );
    try {
      const first = await runService('cli', ['migrate'], { DATABASE_URL: empty.url });
      expect(first).toMatchObject({ code: 0, stdout: expect.stringMatching(/^migrated: /), stderr: '' });
      await empty.query(
        'INSERT INTO outbox (pattern, job_id, due_at) VALUES ($1, gen_random_uuid(), now())',
        ['kept'],
      );
      const before = await schema();
      const second = await runService('cli', ['migrate'], { DATABASE_URL: empty.url });
      expect(second).toEqual({ code: 0, stdout: 'the schema is up to date\n', stderr: '' });
      expect(await schema()).toEqual(before);
      expect(await empty.query('SELECT pattern FROM outbox')).toEqual([{ pattern: 'kept' }]);
    } finally {
      await empty.drop();
    }
  });

  it('is done once when several do it at the same time', async () => {
    const empty = await createTestDatabase('template0');
    try {
      const results = await Promise.all(
        SERVICES.map(() => runService('cli', ['migrate'], { DATABASE_URL: empty.url })),
      );
      expect(results.map(({ code, stderr }) => [code, stderr])).toEqual(SERVICES.map(() => [0, '']));
      expect(results.filter(({ stdout }) => stdout.startsWith('migrated: '))).toHaveLength(1);
    } finally {
      await empty.drop();
    }
  });

  it('says what is missing', async () => {
    const { code, stderr } = await runService('cli', ['migrate'], {});
    expect([code, stderr]).toEqual([
      1,
      'The database cannot be migrated. DATABASE_URL must be set (see .env.example). npm start migrates its own database automatically.\n',
    ]);
  });
});
