/** `npm run bench`: figures of the stack, on services of its own. */
import { join } from 'node:path';
import { readArguments } from './arguments.mjs';
import { build, ensureBuilt, ensureInstalled, ROOT, run } from './prepare.mjs';

const PARTS = ['lifecycles', 'passes', 'held', 'neighbours', 'console', 'claim-next'];
const { parts } = readArguments(
  `
Usage: npm run bench [-- PART …]
  measures the stack on a PostgreSQL and a RabbitMQ of its own; all parts take minutes
Parts:
  lifecycles  whole lives of jobs: a second, by statement time, CPU and disk, and of a client alone, beside bare Node and bare SQL
  passes      calls of /v1/chat/completions that a policy approves at once
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
const dir = join(ROOT, '.stack/bench');
let services = await findServices({ dir });
let client = new pg.Client(services.databaseUrl);
await client.connect();
const { rows } = await client.query('SHOW shared_preload_libraries');
if (!rows[0].shared_preload_libraries.includes('pg_stat_statements')) {
  await client.query("ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'");
  await client.end();
  await services.stop();
  services = await findServices({ dir });
  client = new pg.Client(services.databaseUrl);
  await client.connect();
}
await client.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
await client.query('CREATE SCHEMA IF NOT EXISTS statements');
await client.query('CREATE EXTENSION IF NOT EXISTS pg_stat_statements SCHEMA statements');
// Known to the server once the library is loaded.
await client.query('ALTER SYSTEM SET pg_stat_statements.track_planning = on');
await client.query('SELECT pg_reload_conf()');
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
