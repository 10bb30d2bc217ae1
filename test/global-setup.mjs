/**
 * Starts PostgreSQL and RabbitMQ for the run, or uses TEST_DATABASE_URL and TEST_AMQP_URL, and makes templates of
 * migrated databases: one on PostgreSQL, and the data folder of an embedded one, whose first start takes seconds.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { findServices } from '../scripts/services.mjs';
import { ROOT } from '../scripts/prepare.mjs';

export default async function setup() {
  const dir = mkdtempSync(join(tmpdir(), 'hitl-test-'));
  // PostgreSQL may have to run as another user.
  chmodSync(dir, 0o711);
  const services = await findServices({
    dir,
    databaseUrl: process.env.TEST_DATABASE_URL,
    amqpUrl: process.env.TEST_AMQP_URL,
  });
  Object.assign(globalThis, {
    stopTestServices: async () => {
      await services.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  });
  process.env.TEST_DATABASE_URL = services.databaseUrl;
  process.env.TEST_AMQP_URL = services.amqpUrl;

  const client = new pg.Client(services.databaseUrl);
  await client.connect();
  await client.query('DROP DATABASE IF EXISTS hitl_template WITH (FORCE)');
  await client.query('CREATE DATABASE hitl_template');
  await client.end();
  const template = new URL(services.databaseUrl);
  template.pathname = '/hitl_template';
  const { status, stderr } = spawnSync(
    process.execPath,
    [join(ROOT, 'dist/apps/gateway/main.js'), 'migrate'],
    {
      encoding: 'utf8',
      env: { ...process.env, DATABASE_URL: template.href },
    },
  );
  if (status !== 0) throw new Error(`The test database cannot be migrated: ${stderr}`);
  process.env.TEST_EMBEDDED_TEMPLATE = await makeEmbeddedTemplate(join(dir, 'embedded'));
}

/** @param {string} dataDir */
async function makeEmbeddedTemplate(dataDir) {
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, [join(ROOT, 'dist/apps/standalone/main.js')], {
    cwd: '/',
    env: { PATH, HOME, DATA_DIR: dataDir, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  child.stdout.on('data', (text) => {
    if (String(text).includes('"msg":"ready"')) child.kill('SIGTERM');
  });
  const [code] = await ended;
  if (code !== 0) throw new Error(`The embedded test database cannot be made: exit code ${code}`);
  return dataDir;
}
