import { existsSync, readFileSync } from 'node:fs';
import { loadEnvFile } from 'node:process';
import { ConfigError, ENVIRONMENT_VARIABLES, readConfig, type Config } from './config';
import { unreadVariables } from './unread-variables';

/**
 * The configuration of this process: its environment, completed by the file `.env` in the working directory.
 * This file alone reads `process.env`.
 * @throws ConfigError
 */
export function loadConfig(): Config {
  if (existsSync('.env')) loadEnvFile('.env');
  return readConfig(withSecretFiles(process.env));
}

/** Variables that hold secrets. A file can hold each instead: the variable with `_FILE` after its name says which. */
const SECRETS = [
  'AMQP_URL',
  'AUDIT_SIGNING_KEY',
  'AUTH_SECRET',
  'BOOTSTRAP_ADMIN_KEY',
  'DATABASE_URL',
  'MODEL_API_KEY',
  'OIDC_CLIENT_SECRET',
  'WEBHOOK_SECRET',
];

/**
 * The environment with what is in the files that it names for secrets.
 * @param names the secrets
 * @throws ConfigError for a file that cannot be read, and for a secret that is given twice
 */
export function withSecretFiles(
  env: Record<string, string | undefined>,
  names: readonly string[] = SECRETS,
): Record<string, string | undefined> {
  const read = names.flatMap((name): [string, string][] => {
    const path = env[`${name}_FILE`];
    if (path === undefined || path === '') return [];
    if (env[name]) throw new ConfigError(`${name} and ${name}_FILE are both set. Keep one of them.`);
    try {
      return [[name, readFileSync(path, 'utf8').trim()]];
    } catch (error) {
      throw new ConfigError(
        `${name}_FILE=${path} cannot be read: ${(error as Error).message}. Name a file that this user can read.`,
        { cause: error },
      );
    }
  });
  return { ...env, ...Object.fromEntries(read) };
}

/** One line for each variable of this process's environment that nothing reads although it looks as if it should. */
export function unreadWarnings(): string[] {
  return unreadVariables(process.env, [...ENVIRONMENT_VARIABLES, ...SECRETS.map((name) => `${name}_FILE`)]);
}

/**
 * A secret that the configuration names, from the same environment or from the file that `<name>_FILE` names; empty
 * values count as unset.
 * @throws ConfigError
 */
export function secret(name: string): string | undefined {
  const value = withSecretFiles(process.env, [name])[name];
  return value === '' ? undefined : value;
}
