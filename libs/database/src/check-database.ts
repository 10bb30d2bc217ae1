import { setTimeout as delay } from 'node:timers/promises';
import { ConfigError, shownUrl } from '@hitl/config';
import { isTransient } from '@hitl/domain';
import { Client } from 'pg';
import { serversOf } from './servers';
import { requireWritable, WRITABLE_COLUMNS } from './session';

const OLDEST = 15;
const CONNECT_TIMEOUT_MS = 5_000;
const RETRY_MS = 1_000;
/** How often two connections are compared: most poolers give themselves away at the first look. */
const POOLING_LOOKS = 5;

/** What to do about a refusal, by PostgreSQL's code or the system's. */
const REMEDIES: Record<string, string> = {
  '28P01':
    'Set DATABASE_URL with the right user and password; write special characters of a password as %XX.',
  '28000':
    'Set DATABASE_URL with a user that may connect from this machine, and sslmode=require where TLS is asked for.',
  '3D000': 'Create the database, or name another one in DATABASE_URL.',
  ERR_INVALID_URL: 'Write special characters of the user and password as %XX, such as %23 for #.',
  '25006': 'Set DATABASE_URL to the server that takes changes, or promote this one.',
  '08P01': 'Let the pooler take the parameters of a connection that PostgreSQL takes.',
  ENOTFOUND: 'Set DATABASE_URL with the right host.',
};
const POOL_SESSIONS =
  'Let it pool sessions (PgBouncer: pool_mode = session for this database), or set DATABASE_URL to PostgreSQL itself.';
const AWAY = 'Start PostgreSQL there, or set DATABASE_URL to where it runs.';

/**
 * Makes sure that PostgreSQL can be used before anything else begins.
 * @param waitMs how long to wait for a server that is only away
 * @param onWait told that it is waited for, and why: once, and again when that changes
 * @throws ConfigError that names DATABASE_URL, its value without secrets, what is wrong, and the remedy
 */
export async function checkDatabase(
  url: string,
  waitMs: number,
  onWait: (why: string) => void = () => undefined,
): Promise<void> {
  const end = Date.now() + waitMs;
  for (let told = ''; ;) {
    try {
      await connectToAny(serversOf(url));
      return;
    } catch (error) {
      const why = explain(url, error);
      if (error instanceof ConfigError) throw error;
      if (!isTransient(error) || Date.now() + RETRY_MS > end) throw new ConfigError(why, { cause: error });
      if (why !== told) onWait(why);
      told = why;
      await delay(RETRY_MS);
    }
  }
}

/** @throws the last server's error, where none of them will do */
async function connectToAny(servers: string[]): Promise<void> {
  for (const [index, server] of servers.entries()) {
    try {
      await connectOnce(server);
      return;
    } catch (error) {
      if (index === servers.length - 1 || !isTransient(error)) throw error;
    }
  }
}

async function connectOnce(url: string): Promise<void> {
  const client = newClient(url);
  try {
    await client.connect();
    const { rows } = await client.query<{ version: string; in_recovery: boolean; read_only: boolean }>(
      `SELECT current_setting('server_version') AS version, ${WRITABLE_COLUMNS}`,
    );
    const version = String(rows[0]?.version);
    if (Number.parseInt(version, 10) < OLDEST) {
      throw new Error(`it is PostgreSQL ${version}, and ${OLDEST} or newer is needed`);
    }
    requireWritable(rows[0]);
    await refuseTransactionPooling(url, client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

function newClient(url: string): Client {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: CONNECT_TIMEOUT_MS,
    application_name: 'hitl',
  });
  // A connection that breaks while it is not used says so here; the next statement says it, too.
  client.on('error', () => undefined);
  return client;
}

/**
 * What the application sets on a connection (its role, its limits, prepared statements) must stay with that connection. It
 * does not where two connections that are open at once have the same server process, or one has several.
 */
async function refuseTransactionPooling(url: string, first: Client): Promise<void> {
  const second = newClient(url);
  try {
    await second.connect();
  } catch {
    // As many as there may be: nothing can be told.
    return;
  }
  const processOf = async (client: Client): Promise<number | undefined> =>
    (await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]?.pid;
  try {
    const own = await processOf(first);
    for (let look = 0; look < POOLING_LOOKS; look += 1) {
      if ((await processOf(second)) === own || (await processOf(first)) !== own) throw new PoolingError();
    }
  } finally {
    await second.end().catch(() => undefined);
  }
}

class PoolingError extends Error {
  constructor() {
    super('the pooler in front of it pools transactions, and connections get each other’s role and limits');
  }
}

function explain(url: string, error: unknown): string {
  const fault = error instanceof AggregateError ? (error.errors as unknown[])[0] : error;
  const code = fault instanceof Error && 'code' in fault ? String(fault.code) : '';
  const message = fault instanceof Error ? fault.message : String(fault);
  const remedy =
    (fault instanceof PoolingError ? POOL_SESSIONS : REMEDIES[code]) ??
    (isTransient(error) ? AWAY : 'Set DATABASE_URL to a database that can be used.');
  // A URL that cannot be read is quoted by some messages.
  const said = message.includes(url) ? 'it cannot be read as a URL' : message;
  return `DATABASE_URL=${shownUrl(url)} cannot be used: ${said}. ${remedy}`;
}
