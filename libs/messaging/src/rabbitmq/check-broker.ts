import { connect } from 'amqplib';
import { ConfigError, shownUrl } from '@hitl/config';

const CONNECT_TIMEOUT_MS = 3000;

/** What a broker says that will not take us however long we wait. */
const REFUSALS: [RegExp, string, string][] = [
  [/ACCESS[_-]REFUSED/, 'the broker refuses this user or password', 'the right user and password'],
  [
    /NOT[_-]ALLOWED|INVALID[_-]PATH/,
    'the broker has no such virtual host, or none for this user',
    'a virtual host that is there, as its path',
  ],
];

/**
 * Makes sure that the broker takes us, where it answers. One that is away is waited for later, by the connection itself.
 * @returns why it cannot be used yet; undefined where it can
 * @throws ConfigError that names AMQP_URL, its value without secrets, what is wrong, and the remedy
 */
export async function checkBroker(url: string): Promise<string | undefined> {
  try {
    const connection = await connect(url, { timeout: CONNECT_TIMEOUT_MS });
    connection.on('error', () => undefined);
    await connection.close().catch(() => undefined);
    return undefined;
  } catch (error) {
    const fault = error instanceof AggregateError ? (error.errors as unknown[])[0] : error;
    const message = fault instanceof Error ? fault.message : String(fault);
    const [, what, wanted] = REFUSALS.find(([pattern]) => pattern.test(message)) ?? [];
    if (what === undefined) return `AMQP_URL=${shownUrl(url)} does not answer yet: ${message}`;
    throw new ConfigError(`AMQP_URL=${shownUrl(url)} cannot be used: ${what}. Set AMQP_URL with ${wanted}.`, {
      cause: error,
    });
  }
}
