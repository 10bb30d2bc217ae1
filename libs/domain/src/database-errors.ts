/** PostgreSQL: connection trouble, shutting down, starting up, out of connections, deadlock, serialization, lock or statement timeout. */
const TRANSIENT_STATES = /^(08...|57P0[1-4]|53[0-9]00|40001|40P01|55P03|57014)$/;
const TRANSIENT_SYSTEM_CODES = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOENT']);
const TRANSIENT_MESSAGES =
  /connection terminated|connection ended|timeout exceeded when trying to connect|query read timeout|client has encountered a connection error|not queryable|cannot use a pool after/i;

/** True when the same statement may succeed a little later: the database was away, restarting or overloaded. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (TRANSIENT_STATES.test(code) || TRANSIENT_SYSTEM_CODES.has(code)) return true;
  if (error instanceof AggregateError) return error.errors.some(isTransient);
  return TRANSIENT_MESSAGES.test(error.message);
}

/** True when the database gave a statement up because it took too long. */
export function isStatementTimeout(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '57014';
}

/** True when a row has a key that another one got at the same moment. */
export function isDuplicate(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '23505';
}
