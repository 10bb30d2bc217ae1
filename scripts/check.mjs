/** `npm run check`: everything that can be said about the code without running it. `-- --fix` mends what it can. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
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
for (const [name, [command = '', ...args]] of COMMANDS) {
  const { status, stdout, stderr } = spawnSync(join(ROOT, 'node_modules/.bin', command), args, {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' },
  });
  report(name, status === 0, stdout + stderr);
}
process.exit(failed ? 1 : 0);
