/** `npm run policy -- check FILE`: what a policy says, and what is wrong with it (docs/policies.md). */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled, ROOT } from './prepare.mjs';

ensureInstalled();
ensureBuilt();
const main = join(ROOT, 'dist/apps/review-service/main.js');
const { status } = spawnSync(process.execPath, [main, 'policy', ...process.argv.slice(2)], {
  // Where npm was called, as the file is named from there.
  cwd: process.env.INIT_CWD ?? process.cwd(),
  stdio: 'inherit',
});
process.exit(status ?? 1);
