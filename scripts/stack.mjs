/** `npm run stack`: gateway, worker and review service as three processes, on PostgreSQL and RabbitMQ. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { readArguments } from './arguments.mjs';
import { ensureBuilt, ensureInstalled, ROOT } from './prepare.mjs';

readArguments(`
Usage: npm run stack
  gateway, inference worker and review service as three processes, on the PostgreSQL of DATABASE_URL and the RabbitMQ
  of AMQP_URL; starts what is not named there. They listen on PORT (3000) and the two ports after it.
Configured by environment variables or the file .env: .env.example lists them. Ctrl-C stops all of it.
`);
ensureInstalled();
ensureBuilt();
if (existsSync(join(ROOT, '.env'))) process.loadEnvFile(join(ROOT, '.env'));
const { findServices } = await import('./services.mjs');
const { provide } = await import('./services/programs.mjs');
// AMQP_ADDR is what the original system called it.
const amqpUrl = process.env.AMQP_URL || process.env.AMQP_ADDR;
const port = Number(process.env.PORT || 3000);
if (!Number.isInteger(port) || port < 1 || port > 65_533) {
  console.error(
    `PORT=${process.env.PORT} cannot be used: the stack needs three ports in a row from 1 to 65535.`,
  );
  process.exit(1);
}

if (!amqpUrl && (await provide(['broker'])).length > 0) {
  console.error('The stack needs RabbitMQ: install it, or set AMQP_URL to a running server.');
  process.exit(1);
}
const services = await findServices({
  dir: join(ROOT, '.stack'),
  databaseUrl: process.env.DATABASE_URL,
  amqpUrl,
});
console.log(services.how);

const APPS = [
  { name: 'gateway', port },
  { name: 'inference-worker', port: port + 1 },
  { name: 'review-service', port: port + 2 },
];

/** @type {import('node:child_process').ChildProcess[]} */
const children = [];
let stopping = false;

/** @param {number} code */
async function stop(code) {
  if (stopping) return;
  stopping = true;
  const ended = children
    .filter((child) => child.exitCode === null && child.signalCode === null)
    .map((child) => new Promise((resolve) => child.once('exit', resolve)));
  for (const child of children) child.kill('SIGTERM');
  await Promise.all(ended);
  await services.stop();
  process.exit(code);
}
process.on('SIGINT', () => void stop(0));
process.on('SIGTERM', () => void stop(0));

/**
 * Starts an app in a process group of its own, so that Ctrl-C reaches it through us and in order.
 * @param {string} name
 * @param {string[]} args
 * @param {Record<string, string>} env
 */
function run(name, args, env) {
  const child = spawn(process.execPath, [join(ROOT, 'dist/apps', name, 'main.js'), ...args], {
    cwd: ROOT,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      LOG_FORMAT: 'pretty',
      ...process.env,
      DATABASE_URL: services.databaseUrl,
      AMQP_URL: services.amqpUrl ?? '',
      ...env,
    },
  });
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => console.log(`${name.padEnd(16)} │ ${line}`));
  }
  return child;
}

/** @type {number | null} */
const migrated = await new Promise((resolve) => run('cli', ['migrate'], {}).once('exit', resolve));
if (migrated !== 0) await stop(1);

for (const app of APPS) {
  // One machine, one port: the others have nothing but probes and metrics on theirs.
  const MANAGEMENT_PORT = app.name === 'gateway' ? (process.env.MANAGEMENT_PORT ?? '') : '';
  const child = run(app.name, [], { PORT: String(app.port), MANAGEMENT_PORT });
  children.push(child);
  child.once('exit', (code, signal) => {
    if (stopping) return;
    console.error(`${app.name} ended (${signal ?? code}); stopping the others`);
    void stop(1);
  });
}

/** @param {number} at */
const ready = async (at) => {
  for (;;) {
    const ok = await fetch(`http://127.0.0.1:${at}/health/ready`).then(
      (response) => response.ok,
      () => false,
    );
    if (ok || stopping) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
};
await Promise.all(APPS.map((app) => ready(app.port)));
if (!stopping)
  console.log(`\nThe stack is ready: http://localhost:${port}, API at /docs. Ctrl-C stops it.\n`);
