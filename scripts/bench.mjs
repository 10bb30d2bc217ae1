/** `npm run bench`: figures of the stack, on services of its own. BENCH_SECONDS (15): how long each part runs; BENCH_JOBS (1000000): the large queue. */
import { join } from 'node:path';
import pg from 'pg';
import { build, ensureBuilt, ensureInstalled, ROOT, run } from './prepare.mjs';

ensureInstalled();
ensureBuilt();
build(['bench']);
const { findServices } = await import('./services.mjs');
const { provide } = await import('./services/programs.mjs');
const { findChromium } = await import('./services/chromium.mjs');
if ((await provide(['broker', 'browser'])).length > 0) process.exit(1);
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
  run(process.execPath, ['dist/apps/gateway/main.js', 'migrate'], env) &&
  run(process.execPath, ['dist/test/bench/main.js'], env);
await services.stop();
process.exit(done ? 0 : 1);
