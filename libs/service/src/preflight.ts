import { once } from 'node:events';
import { createServer } from 'node:net';
import { authModes, ConfigError, isLoopback, type Config } from '@hitl/config';
import { checkDatabase, checkDataDir } from '@hitl/database';
import { isTransient } from '@hitl/domain';
import { checkBroker } from '@hitl/messaging';
import type { PinoLogger } from '@hitl/observability';
import { basePath } from './request-path';
import { answerWhileWaiting } from './while-waiting';

/**
 * Tries what a process needs before anything of it begins: its port, and its database or data folder; its broker, too,
 * where that answers. Warns of what will be waited for. A service waits for a database that is away, as long as it takes,
 * and is alive but not ready meanwhile.
 * @param standalone with a person before it: it does not wait for a database
 * @throws ConfigError that tells every fault, each with its variable, value and remedy
 */
export async function preflight(config: Config, standalone: boolean, logger: PinoLogger): Promise<void> {
  const { HOST, PORT, DATA_DIR, DATABASE_URL, AMQP_URL } = config;
  const results = await Promise.allSettled([
    checkPort(HOST, PORT),
    DATABASE_URL === undefined
      ? Promise.resolve(DATA_DIR).then(checkDataDir)
      : checkDatabase(DATABASE_URL, 0).catch((error: unknown) => {
          if (standalone || !(error instanceof Error) || !isTransient(error.cause)) throw error;
          return 'away' as const;
        }),
    AMQP_URL === undefined ? undefined : checkBroker(AMQP_URL),
  ]);
  const faults = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as Error] : []));
  const [only] = faults;
  if (faults.length === 1 && only) throw only;
  if (faults.length > 1)
    throw new ConfigError(
      `Several things are wrong:\n${faults.map(({ message }) => `  ${message}`).join('\n')}`,
    );
  const away = results[2].status === 'fulfilled' ? results[2].value : undefined;
  if (away !== undefined) logger.warn(`waiting for the broker: ${away}`);
  if (results[1].status === 'fulfilled' && results[1].value === 'away') await waitForDatabase(config, logger);
}

async function waitForDatabase(
  { HOST, PORT, PUBLIC_URL, DATABASE_URL }: Config,
  logger: PinoLogger,
): Promise<void> {
  const close = await answerWhileWaiting(HOST, PORT, basePath(PUBLIC_URL));
  try {
    await checkDatabase(String(DATABASE_URL), Infinity, (why) => {
      logger.warn(`waiting for the database: ${why}`);
    });
  } finally {
    await close();
  }
}

/**
 * What to say at boot of a gateway that accepts every caller; undefined where nobody else can reach it, or people sign in.
 * @throws ConfigError where nobody has said that everybody may
 */
export function openDeskWarning(config: Config): string | undefined {
  const { HOST, AUTH_MODE, AUTH_MODE_NONE_ANYWHERE } = config;
  if (isLoopback(HOST) || authModes(config).length > 0) return undefined;
  const open = `HOST=${HOST} opens the desk to the network`;
  if (AUTH_MODE_NONE_ANYWHERE !== 'true') {
    throw new ConfigError(
      `${open}, and AUTH_MODE is ${AUTH_MODE ?? 'not set'}: nobody would have to sign in. Set AUTH_MODE=keys, or HOST=127.0.0.1. (AUTH_MODE_NONE_ANYWHERE=true opens it to everybody.)`,
    );
  }
  return `${open} WITHOUT SIGN-IN (AUTH_MODE_NONE_ANYWHERE=true): anyone who reaches this port can approve responses. Set AUTH_MODE=keys.`;
}

async function checkPort(host: string, port: number): Promise<void> {
  const probe = createServer();
  try {
    probe.listen({ port, host });
    await once(probe, 'listening');
  } catch (error) {
    throw new ConfigError(explainListening(error, host, port), { cause: error });
  } finally {
    probe.close();
  }
}

/** Why a server could not listen, with the variable to change. */
export function explainListening(error: unknown, host: string, port: number): string {
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'EADDRINUSE':
      return `Something listens on port ${port} of ${host} already. Stop it, or set PORT to another one.`;
    case 'EACCES':
      return `PORT=${port} cannot be used: this user may not listen on it. Set PORT to one from 1024 on.`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `HOST=${host} cannot be used: this machine has no such address. Set HOST to 127.0.0.1, or to 0.0.0.0 for all addresses.`;
    default:
      return `HOST=${host} and PORT=${port} cannot be used: ${message}.`;
  }
}
