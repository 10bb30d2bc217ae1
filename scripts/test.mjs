/** `npm test`: all tests, or some of them. `npm test -- --help` tells how. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, realpathSync } from 'node:fs';
import { availableParallelism, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { refuse } from './arguments.mjs';
import { ensureBuilt, ensureInstalled, ROOT } from './prepare.mjs';
import { life } from './services/lives.mjs';
import { installCommand, PROGRAMS, provide } from './services/programs.mjs';
import { FAMILIES, HELP, readArguments, requireTests } from './testing/arguments.mjs';

/** @typedef {import('./services/programs.mjs').Program} Program */

/**
 * Workers that run test files side by side, each with services of its own: one more than there are processors, since tests
 * mostly wait, where each finds 2 GB of memory.
 */
const WORKERS = Math.max(2, Math.min(availableParallelism() + 1, 4, Math.floor(totalmem() / 2 ** 31)));
const NOTHING = { numPassedTests: 0, numFailedTests: 0, numRuntimeErrorTestSuites: 0 };
const args = process.argv.slice(2);
if (args.includes('--help') || args.includes('-h')) {
  console.log(HELP);
  process.exit(0);
}
const { families, files, options, without } = request();
ensureInstalled();
ensureBuilt();

const { TEST_DATABASE_URL, TEST_AMQP_URL, npm_lifecycle_event } = process.env;
const needed = /** @type {Program[]} */ (Object.keys(PROGRAMS)).filter((program) =>
  families.some((family) => FAMILIES[family]?.includes(program)),
);
without.push(...needed.filter((program) => PROGRAMS[program].optional && !PROGRAMS[program].find()));
const missing = await provide(
  needed.filter((program) => !without.includes(program) && !(program === 'broker' && TEST_AMQP_URL)),
);
const absent = needed.filter((program) => missing.includes(program) || without.includes(program));
/** None of the families needs these: they are not started. */
const unneeded = Object.keys(PROGRAMS).filter((program) => !needed.some((name) => name === program));
// Whole, because its tests open the browser beside other things.
const noConsole = families.includes('console') && absent.includes('browser');
const projects = families.filter((family) => family !== 'console' || !noConsole);
if (projects.length === 0) process.exit(conclude(0, undefined, []));

// Unix sockets have short paths only, and macOS's own temporary folder is a long one.
const folder = realpathSync(mkdtempSync(join(tmpdir().length > 40 ? '/tmp' : tmpdir(), 'hitl-test-')));
// PostgreSQL may have to run as another user.
chmodSync(folder, 0o711);
const guardian = spawn(process.execPath, [join(ROOT, 'scripts/testing/guardian.mjs'), folder], {
  detached: true,
  stdio: ['pipe', 'ignore', 'ignore'],
});
const cleaned = once(guardian, 'exit');
const results = join(folder, 'results.json');
const notRun = join(folder, 'not-run');
const jest = spawn(
  process.execPath,
  [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    join(ROOT, 'node_modules/jest/bin/jest.js'),
    '--json',
    `--outputFile=${results}`,
    ...(files.length + options.length > 0 || TEST_DATABASE_URL || TEST_AMQP_URL
      ? []
      : [`--maxWorkers=${WORKERS}`]),
    // A test that ends for want of a program may leave something open.
    ...(absent.length > 0 ? ['--forceExit'] : []),
    ...files,
    ...options,
    '--selectProjects',
    ...projects,
  ],
  {
    cwd: ROOT,
    // Ctrl-C reaches it through us.
    detached: true,
    // With --json jest prints the results to stdout, too; its report goes to stderr.
    stdio: ['inherit', 'ignore', 'inherit'],
    env: {
      ...process.env,
      TMPDIR: folder,
      TEST_WITHOUT: [...absent, ...unneeded].join(),
      TEST_NOT_RUN: notRun,
    },
  },
);
guardian.stdin.write(String(jest.pid));

let interrupted = 0;
/** @param {number} code what we exit with when everything is gone */
function interrupt(code) {
  if (!interrupted) console.error('\nStopping …');
  interrupted ||= code;
  guardian.stdin.end();
}
process.on('SIGINT', () => interrupt(130));
process.on('SIGTERM', () => interrupt(143));
process.on('SIGHUP', () => interrupt(129));
// npm that is killed cannot tell us, nor does the shell between us notice.
const ancestors = () => [process.ppid, life(process.ppid)?.parent].join();
const before = ancestors();
if (npm_lifecycle_event) setInterval(() => ancestors() !== before && interrupt(129), 2_000).unref();

const [status, signal] = await once(jest, 'exit');
const report = existsSync(results) ? JSON.parse(readFileSync(results, 'utf8')) : undefined;
const skipped = existsSync(notRun) ? readFileSync(notRun, 'utf8').trim().split('\n') : [];
guardian.stdin.end();
await cleaned;
if (interrupted) process.exit(interrupted);
if (signal) console.error(`The tests were ended by ${signal}.`);
process.exit(conclude(status ?? 1, report, skipped));

/**
 * Says how many tests ran, what could not run and what helps; then the line that CI reads, alone and last. Answers our
 * exit code: what could not run is a failure, unless it was to be left out.
 * @param {number} status jest's
 * @param {{ numPassedTests: number, numFailedTests: number, numRuntimeErrorTestSuites: number } | undefined} report
 * @param {string[]} skipped `<family> <program>` for each test that could not run
 */
function conclude(status, report, skipped) {
  const { numPassedTests: passed, numFailedTests, numRuntimeErrorTestSuites } = report ?? NOTHING;
  const parts = [...new Set(skipped)].map((kind) => {
    const [family, program] = kind.split(' ');
    return `${skipped.filter((other) => other === kind).length} of ${family} (no ${program})`;
  });
  if (noConsole) parts.push('all of console (no browser)');
  let summary = `${passed + numFailedTests} tests ran`;
  if (parts.length > 0) summary += `; could not run: ${parts.join(', ')}`;
  if (parts.length > 0 && missing.length > 0) {
    const command = installCommand(missing);
    summary += `. ${command ? `«${command}» installs what is missing` : 'Install what is missing'}; --without=${missing.join()} does without`;
  }
  console.log(`${summary}.`);
  // A file that cannot be loaded has failed, too.
  const counts = [`${passed} passed`, `${numFailedTests + numRuntimeErrorTestSuites} failed`];
  if (skipped.length > 0) counts.push(`${skipped.length} skipped`);
  console.log(counts.join(', '));
  return status || (parts.length > 0 && missing.length > 0 ? 1 : 0);
}

function request() {
  try {
    const asked = readArguments(args);
    requireTests(asked.files, ROOT);
    return asked;
  } catch (error) {
    return refuse(/** @type {Error} */ (error).message, HELP);
  }
}
