/**
 * PostgreSQL: connection trouble (but for a protocol violation, which stays), read-only, out of disk, memory or
 * connections, shutting down, starting up, deadlock, serialization, lock or statement timeout, trouble of the system.
 */
const TRANSIENT_STATES = /^(08(?!P01)...|25006|53[0-9]00|57P0[1-5]|40001|40P01|55P03|57014|58...)$/;
const TRANSIENT_SYSTEM_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  'ENOENT',
]);
const TRANSIENT_MESSAGES =
  /connection terminated|connection ended|timeout exceeded when trying to connect|query read timeout|client has encountered a connection error|not queryable|cannot use a pool after|driver not connected/i;

/** The first characters of PostgreSQL's codes are not those of any system error's. */
const SQLSTATE = /^[0-9FHPX][0-9A-Z]{4}$/;
/** The values that a statement was given cannot be taken: data exception, check violation, program limit exceeded. */
const DATA_FAULT = /^(22...|23514|54...)$/;
/** Refused for what else is stored, such as a key that is there already: neither the values' fault nor the server's. */
const CONFLICT = /^23(?!514)...$/;
/** Trouble on the way to the database that has no SQLSTATE. */
const WAY_CODES = /^(ENOTFOUND|ERR_TLS_.*|ERR_SSL_.*|DEPTH_ZERO_SELF_SIGNED_CERT|CERT_HAS_EXPIRED)$/;
const WAY_MESSAGES = /^SASL: |server does not support SSL/i;

/** True when the same statement may succeed a little later: the database was away, restarting or overloaded. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = codeOf(error);
  if (TRANSIENT_STATES.test(code) || TRANSIENT_SYSTEM_CODES.has(code)) return true;
  if (error instanceof AggregateError) return error.errors.some(isTransient);
  // What the server says itself is known by its code.
  return !SQLSTATE.test(code) && TRANSIENT_MESSAGES.test(error.message);
}

/** True when the database refused what it was given, and would do so again: its values, not its state, are why. */
export function isDataFault(error: unknown): boolean {
  const state = sqlState(error);
  return state !== null && DATA_FAULT.test(state);
}

/**
 * True when the database could not do it, for whatever reason but {@link isDataFault} or what else is stored: away, read-only, without rights or
 * disk, behind a pooler that mixes sessions up, or with a fault that nobody thought of. Work waits until that is mended.
 */
export function isDatabaseTrouble(error: unknown): boolean {
  if (isTransient(error)) return true;
  const state = sqlState(error);
  if (state !== null) return !DATA_FAULT.test(state) && !CONFLICT.test(state);
  return error instanceof Error && (WAY_CODES.test(codeOf(error)) || WAY_MESSAGES.test(error.message));
}

/** True for trouble that does not pass by itself: somebody has to look. */
export function isUnexpectedTrouble(error: unknown): boolean {
  return isDatabaseTrouble(error) && !isTransient(error);
}

/** What {@link isDatabaseTrouble} means for whoever asked, without the database's own words. */
export function describeTrouble(error: unknown): string {
  const state = sqlState(error) ?? '';
  if (/^5310|^58030/.test(state)) return 'The database cannot store anything now: its disk is full or fails.';
  if (/^53/.test(state)) return 'The database is overloaded and cannot take this now.';
  if (state === '25006') return 'The database is read-only now, and cannot store anything.';
  if (isLocked(error)) return 'Something else is changing the same rows of the database.';
  if (state === '57014') return 'The database needed too long.';
  if (isTransient(error)) return 'The database does not respond.';
  return `The database cannot do this now${state === '' ? '' : ` (SQLSTATE ${state})`}.`;
}

/** A line about an error that passes by itself; undefined: it does not. */
export function describePassing(error: unknown): string | undefined {
  return isTransient(error) ? `${describeTrouble(error)} ${(error as Error).message}` : undefined;
}

/** True when a row that the statement needs was somebody else's for too long, or in a circle. */
export function isLocked(error: unknown): boolean {
  return /^(55P03|40P01|40001)$/.test(sqlState(error) ?? '');
}

/** True when the database gave a statement up because it took too long. */
export function isStatementTimeout(error: unknown): boolean {
  return sqlState(error) === '57014';
}

/** True when a row has a key that another one got at the same moment. */
export function isDuplicate(error: unknown): boolean {
  return sqlState(error) === '23505';
}

/** PostgreSQL's code of an error; null where the error is not the server's. */
export function sqlState(error: unknown): string | null {
  const code = error instanceof Error ? codeOf(error) : '';
  return SQLSTATE.test(code) ? code : null;
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}
