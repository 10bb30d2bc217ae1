import type { ClientBase } from 'pg';

/** What every service works as: it may add events and decisions, but neither change nor delete them. */
const ROLE = 'hitl_app';

/**
 * Longest time that one statement may run, wait for a lock, or leave a transaction idle, in milliseconds. A lock is given up
 * before whoever waits for a short statement gives that up.
 */
const STATEMENT_TIMEOUT_MS = 10_000;
const LOCK_TIMEOUT_MS = 3_000;

/** What a connection needs to work as the application was not granted. */
export class RoleError extends Error {
  override name = 'RoleError';
  /** As PostgreSQL's insufficient_privilege. */
  readonly code = '42501';
}

/** The server takes no changes, so it is not the one to work with: the right one is elsewhere, or comes back. */
export class ReadOnlyServerError extends Error {
  override name = 'ReadOnlyServerError';
  /** As PostgreSQL's read_only_sql_transaction. */
  readonly code = '25006';

  constructor(inRecovery: boolean) {
    super(
      inRecovery
        ? 'the server is a standby, which takes no changes'
        : 'the server takes no changes (default_transaction_read_only is on)',
    );
  }
}

/** SQL for the columns by which {@link requireWritable} knows. */
export const WRITABLE_COLUMNS = `pg_is_in_recovery() AS in_recovery, current_setting('transaction_read_only')::boolean AS read_only`;

/** @throws ReadOnlyServerError */
export function requireWritable(row: { in_recovery?: boolean; read_only?: boolean } | undefined): void {
  if (row?.in_recovery || row?.read_only) throw new ReadOnlyServerError(row.in_recovery ?? false);
}

/**
 * Sets what a connection needs before anything else: our limits, and the application's role. By statements, since poolers
 * refuse limits at the start of a connection. In a database whose migrations have not made the role's grants yet the
 * connection stays what it is. Opens the epoch of the server's history for the events that the connection will write.
 * @param options `statementTimeoutMs`: another limit for statements, 10 s by default; `readOnly`: a server that takes no
 *   changes will do
 * @throws ReadOnlyServerError
 * @throws RoleError with the statement that an administrator must run
 */
export async function beginSession(
  client: Pick<ClientBase, 'query'>,
  { statementTimeoutMs = STATEMENT_TIMEOUT_MS, readOnly = false } = {},
): Promise<void> {
  try {
    const { rows } = await client.query<{ in_recovery: boolean; read_only: boolean; has_epochs: boolean }>(
      `SELECT set_config('statement_timeout', '${statementTimeoutMs}', false), set_config('lock_timeout', '${LOCK_TIMEOUT_MS}', false),
              set_config('idle_in_transaction_session_timeout', '${STATEMENT_TIMEOUT_MS}', false),
              CASE WHEN to_regclass('event_chains') IS NOT NULL THEN set_config('role', '${ROLE}', false) END, ${WRITABLE_COLUMNS},
              to_regprocedure('hitl_open_epoch()') IS NOT NULL AS has_epochs`,
    );
    if (!readOnly) requireWritable(rows[0]);
    if (!readOnly && rows[0]?.has_epochs) await client.query('SELECT hitl_open_epoch()');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    // insufficient_privilege; invalid_parameter_value: there is no such role.
    if (code !== '42501' && code !== '22023') throw error;
    const { rows } = await client.query<{ user: string }>('SELECT quote_ident(session_user) AS user');
    const grant = `GRANT ${ROLE} TO ${String(rows[0]?.user)};`;
    throw new RoleError(
      code === '42501'
        ? `The database user may not work as the role ${ROLE}. Have an administrator run: ${grant}`
        : `The database has no role ${ROLE}: it was restored on a server without it. Have an administrator run: CREATE ROLE ${ROLE} NOLOGIN; ${grant} and restore it again, so that the role has its rights.`,
      { cause: error },
    );
  }
}
