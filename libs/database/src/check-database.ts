import { setTimeout as delay } from 'node:timers/promises';
import { ConfigError, shownUrl } from '@hitl/config';
import { isTransient } from '@hitl/domain';
import { Client } from 'pg';

const OLDEST = 15;
const CONNECT_TIMEOUT_MS = 5_000;
const RETRY_MS = 1_000;

/** What to do about a refusal, by PostgreSQL's code or the system's. */
const REMEDIES: Record<string, string> = {
  '28P01':
    'Set DATABASE_URL with the right user and password; write special characters of a password as %XX.',
  '28000':
    'Set DATABASE_URL with a user that may connect from this machine, and sslmode=require where TLS is asked for.',
  '3D000': 'Create the database, or name another one in DATABASE_URL.',
  ERR_INVALID_URL: 'Write special characters of the user and password as %XX, such as %23 for #.',
  ENOTFOUND: 'Set DATABASE_URL with the right host.',
};
const AWAY = 'Start PostgreSQL there, or set DATABASE_URL to where it runs.';

/**
 * Makes sure that PostgreSQL can be used before anything else begins.
 * @param waitMs how long to wait for a server that is only away
 * @param onWait told once that it is waited for, and why
 * @throws ConfigError that names DATABASE_URL, its value without secrets, what is wrong, and the remedy
 */
export async function checkDatabase(
  url: string,
  waitMs: number,
  onWait: (why: string) => void = () => undefined,
): Promise<void> {
  const end = Date.now() + waitMs;
  for (let told = false; ; told = true) {
    try {
      await connectOnce(url);
      return;
    } catch (error) {
      const why = explain(url, error);
      if (!isTransient(error) || Date.now() + RETRY_MS > end) throw new ConfigError(why, { cause: error });
      if (!told) onWait(why);
      await delay(RETRY_MS);
    }
  }
}

async function connectOnce(url: string): Promise<void> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: CONNECT_TIMEOUT_MS,
    application_name: 'hitl',
  });
  // A connection that breaks while it is not used says so here; the next statement says it, too.
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ version: string }>(
      "SELECT current_setting('server_version') AS version",
    );
    const version = String(rows[0]?.version);
    if (Number.parseInt(version, 10) < OLDEST) {
      throw new Error(`it is PostgreSQL ${version}, and ${OLDEST} or newer is needed`);
    }
  } finally {
    await client.end().catch(() => undefined);
  }
}

function explain(url: string, error: unknown): string {
  const fault = error instanceof AggregateError ? (error.errors as unknown[])[0] : error;
  const code = fault instanceof Error && 'code' in fault ? String(fault.code) : '';
  const message = fault instanceof Error ? fault.message : String(fault);
  const remedy =
    REMEDIES[code] ?? (isTransient(error) ? AWAY : 'Set DATABASE_URL to a database that can be used.');
  // A URL that cannot be read is quoted by some messages.
  const said = message.includes(url) ? 'it cannot be read as a URL' : message;
  return `DATABASE_URL=${shownUrl(url)} cannot be used: ${said}. ${remedy}`;
}
