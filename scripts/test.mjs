/**
 * `npm test`: all tests, by two workers side by side, since tests mostly wait; each has services of its own. Services that
 * are given by TEST_DATABASE_URL or TEST_AMQP_URL are for one worker. Arguments go to jest, such as
 * `npm test -- --selectProjects unit`; with them there is one worker, or as many as `--maxWorkers` says.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled, ROOT } from './prepare.mjs';

ensureInstalled();
ensureBuilt();
const folder = mkdtempSync(join(tmpdir(), 'hitl-test-'));
const results = join(folder, 'results.json');
const args = process.argv.slice(2);
const given = process.env.TEST_DATABASE_URL || process.env.TEST_AMQP_URL;
const { status } = spawnSync(
  process.execPath,
  [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    join(ROOT, 'node_modules/jest/bin/jest.js'),
    '--json',
    `--outputFile=${results}`,
    ...(args.length > 0 || given ? args : ['--maxWorkers=2']),
  ],
  // With --json jest prints the results to stdout, too; its report goes to stderr.
  { cwd: ROOT, stdio: ['inherit', 'ignore', 'inherit'] },
);
if (existsSync(results)) {
  const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(results, 'utf8'));
  console.log(`${numPassedTests} passed, ${numFailedTests} failed`);
}
rmSync(folder, { recursive: true, force: true });
process.exit(status ?? 1);
