/** `npm run hitl -- COMMAND`: what an operator asks for once in a while (apps/cli). */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { readCommand } from '../apps/cli/src/usage.mjs';
import { ensureBuilt, ensureInstalled, ROOT } from './prepare.mjs';

const words = process.argv.slice(2);
const asked = readCommand(words);
if ('said' in asked) {
  (asked.code === 0 ? console.log : console.error)(asked.said);
  process.exit(asked.code);
}
ensureInstalled();
ensureBuilt();
const { status } = spawnSync(process.execPath, [join(ROOT, 'dist/apps/cli/main.js'), ...words], {
  // A file is named from where npm was called; .env and DATA_DIR are those of the project.
  cwd: asked.name === 'policy check' ? (process.env.INIT_CWD ?? process.cwd()) : ROOT,
  stdio: 'inherit',
});
process.exit(status ?? 1);
