/** `npm run format`: writes every file as prettier has it. */
import { join } from 'node:path';
import { readArguments } from './arguments.mjs';
import { ensureInstalled, ROOT, run } from './prepare.mjs';

readArguments(`
Usage: npm run format
  writes every file of the project as prettier has it
`);
ensureInstalled();
process.exit(run(join(ROOT, 'node_modules/.bin/prettier'), ['--write', '--log-level=warn', '.']) ? 0 : 1);
