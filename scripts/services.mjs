/** The two servers that this project needs: PostgreSQL, which npm brings, and RabbitMQ, which the machine must have. */
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { obstacle, startPostgres } from './services/postgres.mjs';
import { isRoot } from './services/process.mjs';
import { startRabbitMq } from './services/rabbitmq.mjs';

export { startPgBouncer } from './services/pgbouncer.mjs';
export { startPostgres, startRabbitMq };

/** @typedef {{ url: string, how: string, stop(): Promise<unknown> }} Service */

/**
 * Uses the servers at the given URLs, and starts privately what is not given; the data stay in `dir`. Rejects with the
 * remedy when RabbitMQ is not installed: `provide` of services/programs.mjs can offer to install it before.
 *
 * As root, PostgreSQL runs as another user: `dir` is opened to that user, and when a folder above it is closed (such
 * as /root), its data goes to /var/lib/hitl-postgres-<hash of dir> instead.
 *
 * `stop` ends what was started here and may be repeated; `how` says in a line where each service comes from.
 * @param {object} options
 * @param {string} options.dir
 * @param {string} [options.databaseUrl]
 * @param {string} [options.amqpUrl]
 * @param {boolean} [options.broker] false: no RabbitMQ, unless `amqpUrl` names one
 * @returns {Promise<{ databaseUrl: string, amqpUrl: string | undefined, how: string, stop(): Promise<void> }>}
 */
export async function findServices({ dir, databaseUrl, amqpUrl, broker = true }) {
  /** @type {Promise<Service | undefined>[]} */
  const starting = [
    databaseUrl ? given(databaseUrl) : openFolder(resolve(dir, 'postgres')).then(started(startPostgres)),
    amqpUrl ? given(amqpUrl) : broker ? started(startRabbitMq)(resolve(dir, 'rabbitmq')) : none(),
  ];
  const settled = await Promise.allSettled(starting);
  const services = settled.map((result) => (result.status === 'fulfilled' ? result.value : undefined));
  const stop = async () => void (await Promise.all(services.map((service) => service?.stop())));
  const failure = settled.find((result) => result.status === 'rejected');
  if (failure) {
    await stop();
    throw failure.reason;
  }
  const [database, queue] = services;
  if (!database) throw new Error('PostgreSQL was neither given nor started.');
  return {
    databaseUrl: database.url,
    amqpUrl: queue?.url,
    how: `PostgreSQL: ${database.how}; RabbitMQ: ${queue?.how ?? 'none'}`,
    stop,
  };
}

/** @param {string} url @returns {Promise<Service>} */
const given = async (url) => ({ url, how: 'given by its URL', stop: async () => {} });

const none = async () => undefined;

/** @param {typeof startPostgres | typeof startRabbitMq} start */
function started(start) {
  return async (/** @type {string} */ dir) => {
    mkdirSync(dir, { recursive: true });
    const { url, port, stop } = await start({ dir });
    return { url, how: `private, on port ${port}, data in ${dir}`, stop };
  };
}

/** @param {string} dir */
async function openFolder(dir) {
  const parent = dirname(dir);
  mkdirSync(parent, { recursive: true });
  if (isRoot) chmodSync(parent, statSync(parent).mode | 0o011);
  if (!(await obstacle(parent))) return dir;
  return `/var/lib/hitl-postgres-${createHash('sha256').update(dir).digest('hex').slice(0, 12)}`;
}
