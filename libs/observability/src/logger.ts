import type { LoggerService } from '@nestjs/common';
import { pino, type Logger as PinoLogger } from 'pino';
import { prettyFactory } from 'pino-pretty';
import { LogWriter } from './log-writer';
import { metrics } from './metrics';

export type { PinoLogger };

const writer = new LogWriter((lines) => metrics.logLinesDropped.inc(lines));
process.on('exit', () => {
  // Node would wait for ever for a write that nobody takes.
  if (writer.flushAtExit()) process.kill(process.pid, 'SIGKILL');
});

/** Resolves once the log is written, as far as it can be, within a second: for a process that ends. */
export function flushLog(): Promise<void> {
  return writer.flush();
}

/**
 * The process's logger, to standard output. A log that cannot be written is dropped and counted: it never stops the
 * process. Never give it payloads, responses or secrets: ids and counts are enough.
 */
export function createLogger(service: string, level: string, format: 'json' | 'pretty'): PinoLogger {
  const pretty =
    format === 'pretty' &&
    prettyFactory({ ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss', singleLine: true });
  return pino(
    {
      level,
      base: { service },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError },
    },
    { write: (line) => writer.write(pretty ? pretty(line) : line) },
  );
}

/** What may be logged of an error. A database error's parameters and details hold what users wrote: left out. */
export function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: String(error) };
  const code = 'code' in error ? error.code : undefined;
  return {
    type: error.name,
    message: error.message,
    ...(code !== undefined && { code }),
    stack: error.stack,
  };
}

/** Contexts that tell at every boot what the code says anyway. */
const BOOT_CONTEXTS = new Set([
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestFactory',
  'NestApplication',
  'NestMicroservice',
]);

/** Contexts that report why a boot failed. Whoever boots says it, too, in words for an operator and without a stack. */
const FAILED_BOOT_CONTEXTS = new Set(['ExceptionHandler', 'NestApplication']);

/** Nest's own messages through pino. */
export class NestLogger implements LoggerService {
  constructor(private readonly pino: PinoLogger) {}

  log(message: unknown, ...rest: unknown[]): void {
    this.#write(BOOT_CONTEXTS.has(String(rest.at(-1))) ? 'debug' : 'info', message, rest);
  }
  error(message: unknown, ...rest: unknown[]): void {
    this.#write(FAILED_BOOT_CONTEXTS.has(String(rest.at(-1))) ? 'debug' : 'error', message, rest);
  }
  warn(message: unknown, ...rest: unknown[]): void {
    this.#write('warn', message, rest);
  }
  debug(message: unknown, ...rest: unknown[]): void {
    this.#write('debug', message, rest);
  }
  verbose(message: unknown, ...rest: unknown[]): void {
    this.#write('trace', message, rest);
  }
  fatal(message: unknown, ...rest: unknown[]): void {
    this.#write('fatal', message, rest);
  }

  /** Nest passes the context last, and sometimes a stack before it. */
  #write(
    level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal',
    message: unknown,
    rest: unknown[],
  ): void {
    const context = rest.at(-1);
    const fields = typeof context === 'string' ? { context } : {};
    if (message instanceof Error) this.pino[level]({ ...fields, err: message }, message.message);
    else if (typeof message === 'object' && message !== null) this.pino[level]({ ...fields, ...message });
    else this.pino[level](fields, String(message));
  }
}
