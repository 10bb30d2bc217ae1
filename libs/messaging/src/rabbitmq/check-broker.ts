import { connect } from 'amqplib';
import { brokerUrls, ConfigError, shownUrl } from '@hitl/config';
import { outageOf } from './connection';
import { reasonOf } from './outage';

const CONNECT_TIMEOUT_MS = 3000;

/**
 * Makes sure that the broker takes us, where it answers. One that is away is waited for later, by the connection itself.
 * @param amqpUrl of one broker, or of several that are tried all
 * @returns why none can be used yet; undefined where one can
 * @throws ConfigError that names AMQP_URL, its value without secrets, what is wrong, and the remedy
 */
export async function checkBroker(amqpUrl: string): Promise<string | undefined> {
  const urls = brokerUrls(amqpUrl);
  const faults = await Promise.all(urls.map(checkNode));
  if (faults.includes(undefined)) return undefined;
  // Our caller tells it.
  outageOf(urls).noteTold();
  return faults.join('; ');
}

async function checkNode(url: string): Promise<string | undefined> {
  const named = `AMQP_URL=${shownUrl(url)}`;
  try {
    const connection = await connect(url, { timeout: CONNECT_TIMEOUT_MS });
    connection.on('error', () => undefined);
    await connection.close().catch(() => undefined);
    return undefined;
  } catch (error) {
    const message = reasonOf(error);
    if (/ACCESS[_-]REFUSED/.test(message)) {
      const refusal = `${named} cannot be used: the broker refuses this user or password.`;
      throw new ConfigError(`${refusal} Set AMQP_URL with the right ones; write special characters as %XX.`, {
        cause: error,
      });
    }
    // What amqplib says of a virtual host that is not there, or not up yet.
    if (message.includes('ConnectionOpenOk')) {
      return `${named}: the broker does not open this virtual host. Create it, or name another one in AMQP_URL`;
    }
    return `${named} does not respond yet: ${message}`;
  }
}
