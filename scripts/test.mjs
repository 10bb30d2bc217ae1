/**
 * `npm test`: all tests; arguments go to jest, such as `npm test -- --selectProjects unit`. Without any, two lanes run side by
 * side, since tests mostly wait: half of those that need services, each half on services of its own, and before the second
 * half the unit tests. Services that are given by TEST_DATABASE_URL or TEST_AMQP_URL are one for all: then one lane.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled, ROOT } from './prepare.mjs';

ensureInstalled();
ensureBuilt();
const folder = mkdtempSync(join(tmpdir(), 'hitl-test-'));

/**
 * Runs jest; answers whether its tests passed, and counts them.
 * @param {string[]} args
 */
async function jest(args) {
  const results = join(folder, `${args.join('-').replaceAll('/', '_').slice(0, 100)}.json`);
  const child = spawn(
    process.execPath,
    [
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      join(ROOT, 'node_modules/jest/bin/jest.js'),
      '--json',
      `--outputFile=${results}`,
      ...args,
    ],
    // With --json jest prints the results to stdout, too; its report goes to stderr.
    { cwd: ROOT, stdio: ['inherit', 'ignore', 'inherit'] },
  );
  const [code] = await once(child, 'exit');
  if (!existsSync(results)) return { ok: false, passed: 0, failed: 0 };
  const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(results, 'utf8'));
  return { ok: code === 0, passed: numPassedTests, failed: numFailedTests };
}

const args = process.argv.slice(2);
const shared = process.env.TEST_DATABASE_URL || process.env.TEST_AMQP_URL;
const services = ['--selectProjects', 'services'];
const unit = ['--selectProjects', 'unit'];
const LANES =
  args.length > 0
    ? [[args]]
    : shared
      ? [[unit, services]]
      : [[[...services, '--shard=1/2']], [unit, [...services, '--shard=2/2']]];
const lanes = await Promise.all(
  LANES.map(async (lane) => {
    const done = [];
    for (const run of lane) done.push(await jest(run));
    return done;
  }),
);
const runs = lanes.flat();
/** @param {(run: { passed: number, failed: number }) => number} of */
const sum = (of) => runs.reduce((total, run) => total + of(run), 0);
console.log(`${sum(({ passed }) => passed)} passed, ${sum(({ failed }) => failed)} failed`);
rmSync(folder, { recursive: true, force: true });
process.exit(runs.every(({ ok }) => ok) ? 0 : 1);
