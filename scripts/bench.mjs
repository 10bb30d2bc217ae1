/** `npm run bench`: figures of the stack, on services of its own. */
import { join } from 'node:path';
import { readArguments } from './arguments.mjs';
import { build, ensureBuilt, ensureInstalled, ROOT, run } from './prepare.mjs';

const PARTS = ['lifecycles', 'held', 'neighbours', 'console', 'claim-next'];
const { parts } = readArguments(
  `
Usage: npm run bench [-- PART …]
  measures the stack on a PostgreSQL and a RabbitMQ of its own; all parts take minutes
Parts:
  lifecycles  whole lives of jobs a second, beside the same SQL alone, and the time from submit to human
  held        memory and latency with thousands of held clients
  neighbours  what a light client notices of greedy ones beside it
  console     the console in a browser
  claim-next  how the time to claim the next review grows with the queue
BENCH_SECONDS (15): how long each part runs. BENCH_JOBS (1000000): the large queue.
`,
  { parts: PARTS },
);
ensureInstalled();
ensureBuilt();
build(['bench']);
const { default: pg } = await import('pg');
const { findServices } = await import('./services.mjs');
const { provide } = await import('./services/programs.mjs');
const { findChromium } = await import('./services/chromium.mjs');
if ((await provide(parts.includes('console') ? ['broker', 'browser'] : ['broker'])).length > 0)
  process.exit(1);
const services = await findServices({ dir: join(ROOT, '.stack/bench') });
const client = new pg.Client(services.databaseUrl);
await client.connect();
await client.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
await client.end();
const env = {
  DATABASE_URL: services.databaseUrl,
  AMQP_URL: services.amqpUrl ?? '',
  CHROMIUM: findChromium() ?? '',
};
const done =
  run(process.execPath, ['dist/apps/cli/main.js', 'migrate'], env) &&
  run(process.execPath, ['dist/test/bench/main.js', ...parts], env);
await services.stop();
process.exit(done ? 0 : 1);
