/** `npm run policy -- check FILE`: what a policy says, and what is wrong with it (docs/policies.md). */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { answerHelp, refuse } from './arguments.mjs';
import { ensureBuilt, ensureInstalled, ROOT } from './prepare.mjs';

const USAGE = `
Usage: npm run policy -- check FILE
  prints what the policy in FILE says and what is wrong with it (docs/policies.md)
Exits with 0 when nothing is wrong, 1 when there are faults or warnings, 2 when FILE cannot be read.
`;
answerHelp(USAGE);
if (process.argv[2] !== 'check' || process.argv.length !== 4) {
  refuse('Say what to do: check, and one FILE.', USAGE);
}
ensureInstalled();
ensureBuilt();
const main = join(ROOT, 'dist/apps/review-service/main.js');
const { status } = spawnSync(process.execPath, [main, 'policy', ...process.argv.slice(2)], {
  // Where npm was called, as the file is named from there.
  cwd: process.env.INIT_CWD ?? process.cwd(),
  stdio: 'inherit',
});
process.exit(status ?? 1);
