/** `npm run audit -- verify`: whether the record of what happened to every job is whole. */
import { answerHelp, refuse } from './arguments.mjs';
import { ensureBuilt, ensureInstalled } from './prepare.mjs';

const USAGE = `
Usage: npm run audit -- verify [--job ID | --digest DIGEST]
  verifies every job's events, decisions and response, or those of one job, in DATABASE_URL, else in DATA_DIR
  --digest  also: whether the events are still those of an earlier verification that printed this
Exits with 0 when everything is whole, 1 when something is not, 2 when it could not be verified.
`;
answerHelp(USAGE);
if (process.argv[2] !== 'verify') refuse('Say what to do: verify.', USAGE);
ensureInstalled();
ensureBuilt();
process.argv.splice(2, 0, 'audit');
await import(new URL('../dist/apps/review-service/main.js', import.meta.url).href);
