import { existsSync } from 'node:fs';
import { loadEnvFile } from 'node:process';
import { ENVIRONMENT_VARIABLES, readConfig, type Config } from './config';
import { unreadVariables } from './unread-variables';

/**
 * The configuration of this process: its environment, completed by the file `.env` in the working directory.
 * This file alone reads `process.env`.
 * @throws ConfigError
 */
export function loadConfig(): Config {
  if (existsSync('.env')) loadEnvFile('.env');
  return readConfig(process.env);
}

/** One line for each variable of this process's environment that nothing reads although it looks as if it should. */
export function unreadWarnings(): string[] {
  return unreadVariables(process.env, ENVIRONMENT_VARIABLES);
}

/** A secret that the configuration names, from the same environment; empty values count as unset. */
export function secret(name: string): string | undefined {
  return process.env[name] === '' ? undefined : process.env[name];
}
