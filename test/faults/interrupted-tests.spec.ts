import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from '@jest/globals';
import { until } from '@hitl/testing';
import { life, lives } from '../../scripts/services/lives.mjs';
import { DEADLINE, TEST_DEADLINE } from './support';

/** Whatever a run of ours left, should a test fail. */
const started = new Set<number>();
afterEach(() => {
  for (const pid of started) process.kill(pid, 'SIGKILL');
  started.clear();
});

/** Starts `npm test`'s script on one test file, and waits until its PostgreSQL is up. */
async function startRun() {
  const before = new Set(folders());
  const runner = spawn(process.execPath, ['scripts/test.mjs', 'test/contract', '--without=broker'], {
    stdio: 'ignore',
    env: { ...process.env, npm_lifecycle_event: '', TEST_DATABASE_URL: '', TEST_AMQP_URL: '' },
  });
  const ended = once(runner, 'exit');
  started.add(runner.pid!);
  void ended.then(() => started.delete(runner.pid!));
  const folder = await until(
    'a PostgreSQL of the run',
    () => folders().find((one) => !before.has(one) && holdsServer(one)),
    DEADLINE,
  );
  const pids = [runner.pid];
  const all = lives();
  for (const pid of pids) pids.push(...all.filter(({ parent }) => parent === pid).map((child) => child.pid));
  return { runner, ended, folder, family: all.filter(({ pid }) => pids.includes(pid)) };
}

function folders(): string[] {
  return readdirSync(tmpdir())
    .filter((name) => name.startsWith('hitl-test-'))
    .map((name) => join(tmpdir(), name));
}

/** Services of a run lie in a folder of its folder, one for each worker. */
function holdsServer(folder: string): boolean {
  if (!existsSync(folder)) return false;
  return readdirSync(folder).some((name) => existsSync(join(folder, name, '1/postgres/data/postmaster.pid')));
}

it.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGKILL', null],
] as const)(
  'leaves no process and no folder when it is ended by %s',
  async (signal, code) => {
    const { runner, ended, folder, family } = await startRun();
    // The guardian, jest, a keeper and PostgreSQL at least.
    expect(family.length).toBeGreaterThan(4);
    runner.kill(signal);
    await until('the folder is gone', () => !existsSync(folder), DEADLINE);
    expect((await ended)[0]).toBe(code);
    await until('no process is left', () => !family.some(({ pid, began }) => life(pid)?.began === began));
  },
  TEST_DEADLINE,
);
