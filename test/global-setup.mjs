/**
 * Starts a PostgreSQL and a RabbitMQ for each worker of the run, or uses TEST_DATABASE_URL and TEST_AMQP_URL for its only
 * one, and makes templates of migrated databases: one on each PostgreSQL, and the data folder of an embedded one, whose
 * first start takes seconds. In a run that goes without a broker, or needs none, there is none.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import pg from 'pg';
import { findServices } from '../scripts/services.mjs';
import { ROOT } from '../scripts/prepare.mjs';

/** @param {{ maxWorkers: number }} run */
export default async function setup({ maxWorkers }) {
  const { TEST_DATABASE_URL: databaseUrl, TEST_AMQP_URL: amqpUrl } = process.env;
  if (maxWorkers > 1 && (databaseUrl || amqpUrl))
    throw new Error('TEST_DATABASE_URL and TEST_AMQP_URL serve one worker: leave out --maxWorkers.');
  const dir = mkdtempSync(join(tmpdir(), 'hitl-test-'));
  // PostgreSQL may have to run as another user.
  chmodSync(dir, 0o711);
  /** @type {Awaited<ReturnType<typeof findServices>>[]} */
  const services = [];
  Object.assign(globalThis, {
    stopTestServices: async () => {
      await Promise.all(services.map((own) => own.stop()));
      rmSync(dir, { recursive: true, force: true });
    },
  });
  const broker = !process.env.TEST_WITHOUT?.split(',').includes('broker');
  /** @param {number} worker */
  const provide = async (worker) => {
    const home = join(dir, String(worker));
    mkdirSync(home, { mode: 0o711 });
    const own = await findServices({ dir: home, databaseUrl, amqpUrl, broker });
    services.push(own);
    await makeTemplate(own.databaseUrl);
    process.env[`TEST_DATABASE_URL_${worker}`] = own.databaseUrl;
    if (own.amqpUrl) process.env[`TEST_AMQP_URL_${worker}`] = own.amqpUrl;
  };
  const embedded = makeEmbeddedTemplate(join(dir, 'embedded'));
  const starting = Array.from({ length: maxWorkers }, (_, index) => provide(index + 1));
  // All of them, so that what has started can be stopped.
  const failed = (await Promise.allSettled([embedded, ...starting])).find(
    ({ status }) => status === 'rejected',
  );
  if (failed?.status === 'rejected') throw failed.reason;
  process.env.TEST_EMBEDDED_TEMPLATE = await embedded;
}

/** @param {string} databaseUrl */
async function makeTemplate(databaseUrl) {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  await client.query('DROP DATABASE IF EXISTS hitl_template WITH (FORCE)');
  await client.query('CREATE DATABASE hitl_template');
  await client.end();
  const template = new URL(databaseUrl);
  template.pathname = '/hitl_template';
  const child = spawn(process.execPath, [join(ROOT, 'dist/apps/cli/main.js'), 'migrate'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, DATABASE_URL: template.href },
  });
  const [stderr, [status]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  if (status !== 0) throw new Error(`The test database cannot be migrated: ${stderr}`);
}

/** @param {string} dataDir */
async function makeEmbeddedTemplate(dataDir) {
  const { PATH, HOME, TMPDIR } = process.env;
  const script = join(ROOT, 'dist/apps/standalone/main.js');
  // As the tests run it: see libs/testing/src/service-process.ts.
  const child = spawn(process.execPath, ['--wasm-tiering-budget=30000000', script], {
    cwd: '/',
    env: { PATH, HOME, TMPDIR, DATA_DIR: dataDir, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  child.stdout.on('data', (lines) => {
    if (String(lines).includes('"msg":"ready"')) child.kill('SIGTERM');
  });
  const [code] = await ended;
  if (code !== 0) throw new Error(`The embedded test database cannot be made: exit code ${code}`);
  return dataDir;
}
