import { existsSync } from 'node:fs';
import { loadEnvFile } from 'node:process';
import { readConfig, type Config } from './config';

/**
 * The configuration of this process: its environment, completed by the file `.env` in the working directory.
 * The only place that reads `process.env`.
 * @throws ConfigError
 */
export function loadConfig(): Config {
  if (existsSync('.env')) loadEnvFile('.env');
  return readConfig(process.env);
}
