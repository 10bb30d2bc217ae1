import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createClient, createTestDatabase, testAmqpUrl, until, type TestDatabase } from '@hitl/testing';
import { freePort } from '../../scripts/services/process.mjs';
import { DEADLINE, TEST_DEADLINE, temporaryFolder } from './support';

describe('a log that cannot be written', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());

  /** Starts an app whose output goes to a disk that is full. */
  async function startOnFullDisk(app: string, env: Record<string, string>) {
    const full = openSync('/dev/full', 'w');
    const port = await freePort();
    const child = spawn(process.execPath, [`${process.cwd()}/dist/apps/${app}/main.js`], {
      cwd: '/',
      env: {
        PATH: process.env.PATH,
        TMPDIR: process.env.TMPDIR,
        PORT: String(port),
        LOG_LEVEL: 'debug',
        SHUTDOWN_GRACE_MS: '2000',
        ...env,
      },
      stdio: ['ignore', full, full],
    });
    const ended = once(child, 'exit');
    return { child, ended, http: createClient(`http://127.0.0.1:${port}`) };
  }

  const services = () => ({ DATABASE_URL: database.url, AMQP_URL: testAmqpUrl() });
  it.each([
    ['gateway', services],
    ['review-service', services],
    ['standalone', () => ({ DATA_DIR: temporaryFolder().path, LOG_FORMAT: 'pretty' })],
  ])(
    'does not stop the %s, is counted, and does not keep it from ending',
    async (app, env) => {
      const { child, ended, http } = await startOnFullDisk(app, env());
      try {
        await until(
          'it is ready',
          async () => (await http.get('/health/ready').catch(() => null))?.status === 200,
          DEADLINE,
        );
        // Each of them writes a line.
        for (let request = 0; request < 20; request += 1) await http.get('/no-such-address');
        const { text } = await http.get('/metrics');
        expect(Number(/^hitl_log_lines_dropped_total (\d+)$/m.exec(text)?.[1])).toBeGreaterThan(0);
        expect(child.exitCode).toBe(null);
        child.kill('SIGTERM');
        expect((await ended)[0]).toBe(0);
      } finally {
        child.kill('SIGKILL');
      }
    },
    TEST_DEADLINE,
  );
});
