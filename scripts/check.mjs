/** `npm run check`: everything that can be said about the code without running it. `-- --fix` mends what it can. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { ensureBuilt, ensureInstalled, ROOT } from './prepare.mjs';

ensureInstalled();
ensureBuilt();
const fix = process.argv.includes('--fix');
const OPENAPI = join(ROOT, 'openapi.json');

/** @type {[string, string[]][]} */
const COMMANDS = [
  ['format', ['prettier', fix ? '--write' : '--check', '--log-level=warn', '.']],
  ['lint', ['eslint', '--max-warnings=0', ...(fix ? ['--fix'] : []), '.']],
  ['types', ['tsc', '--noEmit']],
  ['types of the console', ['tsc', '--noEmit', '--project', 'apps/console']],
  ['boundaries', ['depcruise', '--output-type=err', 'apps', 'libs', 'scripts', 'test']],
  ['unused code', ['knip']],
  ['openapi', ['redocly', 'lint', 'openapi.json']],
];

let failed = false;
/** @param {string} name @param {boolean} ok @param {string} output */
function report(name, ok, output) {
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${name}`);
  if (!ok) console.log(output.trim(), '\n');
  failed ||= !ok;
}

const { stdout: document } = spawnSync(
  process.execPath,
  [join(ROOT, 'dist/apps/gateway/main.js'), 'openapi'],
  {
    encoding: 'utf8',
  },
);
if (fix) writeFileSync(OPENAPI, document);
report(
  'openapi.json is up to date',
  document !== '' && document === readFileSync(OPENAPI, 'utf8'),
  'openapi.json is stale: npm run check -- --fix writes it anew',
);
/** @param {[string, string[]]} command */
async function run([name, [command = '', ...args]]) {
  const child = spawn(join(ROOT, 'node_modules/.bin', command), args, {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' },
  });
  const [stdout, stderr, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  report(name, status === 0, stdout + stderr);
}

// What writes files goes alone.
if (fix) for (const command of COMMANDS.splice(0, 2)) await run(command);
const lane = async () => {
  for (let command = COMMANDS.shift(); command; command = COMMANDS.shift()) await run(command);
};
await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, lane));
process.exit(failed ? 1 : 0);
