import type { ClientBase } from 'pg';

/** What every service works as: it may add events and decisions, but neither change nor delete them. */
const ROLE = 'hitl_app';

/** What a connection needs to work as the application was not granted. */
export class RoleError extends Error {
  override name = 'RoleError';
}

/**
 * Makes a connection work as the application's role. In a database whose migrations have not made the role's grants
 * yet it stays what it is.
 * @throws RoleError with the statement that an administrator must run
 */
export async function workAsApplication(client: Pick<ClientBase, 'query'>): Promise<void> {
  try {
    await client.query(
      `SELECT set_config('role', '${ROLE}', false) WHERE to_regclass('event_chains') IS NOT NULL`,
    );
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
