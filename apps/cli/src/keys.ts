import { loadConfig } from '@hitl/config';
import { assertMigrated, createDataSource, startEmbeddedDatabase } from '@hitl/database';
import {
  DEFAULT_OVERLAP_HOURS,
  DEFAULT_PROJECT,
  hashingOf,
  issueKey,
  KeyStore,
  MAX_KEY_DAYS,
  MAX_OVERLAP_HOURS,
  newKey,
  PERMISSIONS,
  personName,
  PROJECT_NAME,
  ROLES,
  rotateKey,
  stateOf,
  type ApiKey,
  type Hashing,
} from '@hitl/domain';
import { readArguments, UsageError } from './arguments';

const HOUR_MS = 3_600_000;
/** By whom keys are that an operator makes. */
const BY = 'hitl keys';

interface Keys {
  store: KeyStore;
  hashing: Hashing;
}

/** `keys create`: prints the new key, and nothing else, so that a script can take it. */
export function createKey(args: string[]): Promise<number> {
  const { options } = readArguments(args, {
    words: 0,
    options: ['owner', 'role', 'project', 'scopes', 'days'],
  });
  const owner = personName(options.owner ?? '');
  if (owner === null) throw new UsageError(`--owner ${options.owner ?? ''} can be nobody's name`);
  const role = ROLES.find((each) => each === options.role);
  if (!role) throw new UsageError(`--role ${options.role ?? ''} is not one of ${ROLES.join(', ')}`);
  const { project = DEFAULT_PROJECT } = options;
  if (!PROJECT_NAME.test(project)) {
    throw new UsageError(`--project ${project} is not 1 to 63 lower-case letters, digits and hyphens`);
  }
  const scopes = options.scopes?.split(',').map((text) => {
    const scope = PERMISSIONS.find((each) => each === text);
    if (scope) return scope;
    throw new UsageError(`--scopes ${text} is not one of ${PERMISSIONS.join(', ')}`);
  });
  const days = options.days === undefined ? null : wholeNumber('days', options.days, 1, MAX_KEY_DAYS);
  return withKeys(async ({ store, hashing }) => {
    const wanted = { owner, role, project, scopes: scopes ?? null, days, createdBy: BY };
    const { text } = await issueKey(store, hashing, wanted);
    process.stderr.write(`The key of ${owner} (${role} of the project ${project}). It is shown only here:\n`);
    process.stdout.write(`${text}\n`);
    return 0;
  });
}

/** `keys list`: a line for each key. */
export function listKeys(args: string[]): Promise<number> {
  readArguments(args, { words: 0, options: [] });
  return withKeys(async ({ store }) => {
    for (const key of await store.list()) process.stdout.write(`${describe(key)}\n`);
    return 0;
  });
}

/** `keys revoke ID`: exits with 1 where there is no such key. */
export function revokeKey(args: string[]): Promise<number> {
  const id = idOf(readArguments(args, { words: 1, options: [] }).words);
  return withKeys(async ({ store }) => {
    if (await store.revoke(id, BY)) return 0;
    process.stderr.write(`There is no key hitl_${id}.\n`);
    return 1;
  });
}

/** `keys rotate ID`: prints the new key, and nothing else. */
export function replaceKey(args: string[]): Promise<number> {
  const { words, options } = readArguments(args, { words: 1, options: ['overlap'] });
  const id = idOf(words);
  const hours =
    options.overlap === undefined
      ? DEFAULT_OVERLAP_HOURS
      : wholeNumber('overlap', options.overlap, 0, MAX_OVERLAP_HOURS);
  return withKeys(async ({ store, hashing }) => {
    const { text } = await rotateKey(store, hashing, id, { createdBy: BY, overlapMs: hours * HOUR_MS });
    process.stderr.write(
      `The old key can be used for ${hours} hours more. The new one is shown only here:\n`,
    );
    process.stdout.write(`${text}\n`);
    return 0;
  });
}

/** `keys generate`: prints a key for BOOTSTRAP_ADMIN_KEY, and keeps nothing. */
export function generateKey(args: string[]): number {
  readArguments(args, { words: 0, options: [] });
  process.stdout.write(`${newKey().text}\n`);
  return 0;
}

/** Runs on the keys of DATABASE_URL, else of DATA_DIR; exits with 2 where that cannot be done. */
async function withKeys(run: (keys: Keys) => Promise<number>): Promise<number> {
  try {
    const { DATABASE_URL, DATA_DIR, AUTH_SECRET } = loadConfig();
    const embedded = DATABASE_URL === undefined ? await startEmbeddedDatabase(DATA_DIR) : undefined;
    const database = createDataSource(embedded?.url ?? String(DATABASE_URL), 1);
    try {
      await database.initialize();
      await assertMigrated(database);
      const store = new KeyStore(database);
      return await run({ store, hashing: await hashingOf(store, AUTH_SECRET) });
    } finally {
      if (database.isInitialized) await database.destroy();
      await embedded?.close();
    }
  } catch (error) {
    process.stderr.write(
      `The keys cannot be used. ${error instanceof Error ? error.message : String(error)}\n`,
    );
    return 2;
  }
}

function describe(key: ApiKey): string {
  const times = [
    `created ${key.createdAt.toISOString()} by ${key.createdBy}`,
    key.lastUsedAt && `last used ${key.lastUsedAt.toISOString()}`,
    key.expiresAt && `ends ${key.expiresAt.toISOString()}`,
    key.revokedAt && `revoked ${key.revokedAt.toISOString()} by ${String(key.revokedBy)}`,
  ];
  const scopes = key.scopes === null ? '' : ` (${key.scopes.join(',')})`;
  return `hitl_${key.id}  ${stateOf(key)}  ${key.role}${scopes} of ${key.project}: ${key.owner}, ${times.filter(Boolean).join(', ')}`;
}

/** The id in a word: as lists show it, or alone. */
function idOf([word = '']: string[]): string {
  const id = /^(?:hitl_)?([0-9a-f]{16})$/.exec(word)?.[1];
  // Never the word itself: it may be a whole key.
  if (id === undefined) throw new UsageError("That is no key's id, such as hitl_0123456789abcdef");
  return id;
}

function wholeNumber(option: string, text: string, min: number, max: number): number {
  const value = /^\d{1,6}$/.test(text) ? Number(text) : NaN;
  if (value >= min && value <= max) return value;
  throw new UsageError(`--${option} ${text} is not a whole number from ${min} to ${max}`);
}
