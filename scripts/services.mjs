/** Finds or starts the two services this project needs: PostgreSQL and RabbitMQ. */
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { canInstall, installPackages } from './services/apt.mjs';
import { acceptsConnections, findPostgres, obstacle, startPostgres } from './services/postgres.mjs';
import { DEADLINE, freePort, isRoot, run, secret, succeeds } from './services/process.mjs';
import { findRabbitMq, speaksAmqp, startRabbitMq } from './services/rabbitmq.mjs';

export { startPostgres, startRabbitMq };

/** @typedef {{ url: string, how: string, stop(): Promise<unknown> }} Service */

/**
 * Uses the servers at the given URLs. What is not given is started privately, from the programs installed on this
 * machine (data stays in `dir`), else in Docker (data is gone after `stop`), else, as root on Debian or Ubuntu,
 * after installing it. Rejects with the remedies when none of these is possible.
 *
 * As root, PostgreSQL runs as another user: `dir` is opened to that user, and when a folder above it is closed (such
 * as /root), its data goes to /var/lib/hitl-postgres-<hash of dir> instead.
 *
 * `stop` ends what was started here and may be repeated; `how` says in a line where each service comes from.
 * @param {object} options
 * @param {string} options.dir
 * @param {string} [options.databaseUrl]
 * @param {string} [options.amqpUrl]
 * @param {(line: string) => void} [options.log] told before anything slow begins; stderr unless given
 * @returns {Promise<{ databaseUrl: string, amqpUrl: string, how: string, stop(): Promise<void> }>}
 */
export async function findServices({ dir, databaseUrl, amqpUrl, log = console.error }) {
  const wanted = [
    { ...POSTGRES, given: databaseUrl, dir: resolve(dir, 'postgres') },
    { ...RABBITMQ, given: amqpUrl, dir: resolve(dir, 'rabbitmq') },
  ];
  const missing = wanted.filter(({ given, find }) => !given && !find());
  const docker = missing.length > 0 && (await succeeds('docker', ['info'], { timeout: 10_000 }));
  if (missing.length > 0 && !docker) await install(missing, log);

  /** @type {Promise<Service>[]} */
  const starting = wanted.map(async (service) => {
    if (service.given) return { url: service.given, how: 'given by its URL', stop: async () => {} };
    mkdirSync(service.dir, { recursive: true });
    return docker && missing.includes(service) ? startInDocker(service, log) : startLocally(service);
  });
  const settled = await Promise.allSettled(starting);
  const services = settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const stop = async () => void (await Promise.all(services.map((service) => service.stop())));
  const failure = settled.find((result) => result.status === 'rejected');
  if (failure) {
    await stop();
    throw failure.reason;
  }
  const [database, broker] = /** @type {[Service, Service]} */ (services);
  return {
    databaseUrl: database.url,
    amqpUrl: broker.url,
    how: `PostgreSQL: ${database.how}; RabbitMQ: ${broker.how}`,
    stop,
  };
}

const POSTGRES = {
  name: 'PostgreSQL',
  variable: 'DATABASE_URL',
  package: 'postgresql',
  find: findPostgres,
  folder: openFolder,
  start: startPostgres,
  image: 'postgres:17-alpine',
  innerPort: 5432,
  settings: ['POSTGRES_USER=hitl', 'POSTGRES_DB=hitl', 'POSTGRES_PASSWORD'],
  ready: acceptsConnections,
  /** @param {string} password @param {number} port */
  url: (password, port) => `postgres://hitl:${password}@127.0.0.1:${port}/hitl`,
};

const RABBITMQ = {
  name: 'RabbitMQ',
  variable: 'AMQP_URL',
  package: 'rabbitmq-server',
  find: findRabbitMq,
  folder: async (/** @type {string} */ dir) => dir,
  start: startRabbitMq,
  image: 'rabbitmq:4-alpine',
  innerPort: 5672,
  settings: ['RABBITMQ_DEFAULT_USER=hitl', 'RABBITMQ_DEFAULT_PASS'],
  ready: speaksAmqp,
  /** @param {string} password @param {number} port */
  url: (password, port) => `amqp://hitl:${password}@127.0.0.1:${port}`,
};

/** @typedef {(typeof POSTGRES | typeof RABBITMQ) & { dir: string }} Wanted */

/** @param {Wanted} service @returns {Promise<Service>} */
async function startLocally({ dir, folder, start }) {
  const home = await folder(dir);
  const { url, port, stop } = await start({ dir: home });
  return { url, how: `private, on port ${port}, data in ${home}`, stop };
}

/** @param {string} dir */
async function openFolder(dir) {
  const parent = dirname(dir);
  if (isRoot) chmodSync(parent, statSync(parent).mode | 0o011);
  return (await obstacle(parent)) ? `/var/lib/hitl-postgres-${fingerprint(dir)}` : dir;
}

/** @param {string} dir */
const fingerprint = (dir) => createHash('sha256').update(dir).digest('hex').slice(0, 12);

/** @param {Wanted} service @param {(line: string) => void} log @returns {Promise<Service>} */
async function startInDocker({ dir, name, image, innerPort, settings, ready, url }, log) {
  // The name follows from the folder: a container left by a run that died is found and replaced.
  const container = `hitl-${fingerprint(dir)}`;
  const remove = () =>
    run('docker', ['rm', '--force', '--volumes', container]).catch((error) => {
      if (!/no such container/i.test(error.message)) throw error;
    });
  const port = await freePort();
  const password = secret(join(dir, 'password'));
  if (!(await succeeds('docker', ['image', 'inspect', image]))) {
    log(`Fetching the Docker image ${image} …`);
    await run('docker', ['pull', image]);
  }
  await remove();

  const publish = ['--publish', `127.0.0.1:${port}:${innerPort}`];
  const variables = settings.flatMap((setting) => ['--env', setting]);
  // A variable without a value is taken from our environment, which others cannot read, unlike arguments.
  const env = { ...process.env, POSTGRES_PASSWORD: password, RABBITMQ_DEFAULT_PASS: password };
  await run('docker', ['run', '--detach', '--name', container, ...publish, ...variables, image], { env });
  for (const deadline = Date.now() + DEADLINE; !(await ready(port)); await delay(100)) {
    if (Date.now() < deadline) continue;
    const end = await run('docker', ['logs', '--tail', '20', container]);
    await remove();
    throw new Error(
      `${name} in Docker (${image}) did not answer within ${DEADLINE / 1_000} s. Its last lines:\n${end}`,
    );
  }
  return {
    url: url(password, port),
    how: `Docker ${image}, on port ${port}, data gone after stop`,
    stop: remove,
  };
}

/** @param {Wanted[]} missing @param {(line: string) => void} log */
async function install(missing, log) {
  const packages = missing.map((service) => service.package);
  if (!canInstall()) {
    const names = missing.map(({ name }) => name).join(' and ');
    const variables = missing.map(({ variable }) => variable).join(' and ');
    throw new Error(
      `${names}: not installed here, and Docker does not answer. Do one of these:\n` +
        `- install (Debian, Ubuntu: «sudo apt-get install ${packages.join(' ')}»; macOS: «brew install` +
        ` ${packages.join(' ').replace('-server', '')}»)\n` +
        `- start Docker\n` +
        `- set ${variables} to a running server`,
    );
  }
  await installPackages(packages, log);
}
