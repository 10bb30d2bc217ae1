import { Logger } from '@nestjs/common';
import { connect, type AmqpConnectionManager, type ChannelWrapper } from 'amqp-connection-manager';
import type { ConfirmChannel } from 'amqplib';
import { Outage, reasonOf } from './outage';

/** Seconds between heartbeats; a dead connection is noticed after about twice that. */
const HEARTBEAT_SECONDS = 10;
const RECONNECT_SECONDS = 1;
const CONNECT_TIMEOUT_MS = 5000;
/** How long a message may wait for the broker's confirm before its sender is told that it failed. */
export const PUBLISH_TIMEOUT_MS = 5000;

const outages = new Map<string, Outage>();

/** The outage of the broker at this address, as this process tells it. */
export function outageOf(url: string): Outage {
  const outage = outages.get(url) ?? new Outage(new Logger('Broker'));
  outages.set(url, outage);
  return outage;
}

/** What amqp-connection-manager says when we have it reconnect. */
const FORCED = 'forced reconnect';

/** A connection that comes back by itself until {@link closeConnection}. It tells of outages itself. */
export function openConnection(url: string): AmqpConnectionManager {
  const connection = connect([url], {
    heartbeatIntervalInSeconds: HEARTBEAT_SECONDS,
    reconnectTimeInSeconds: RECONNECT_SECONDS,
    connectionOptions: { timeout: CONNECT_TIMEOUT_MS },
  });
  const outage = outageOf(url);
  connection.on('disconnect', ({ err }) => {
    // Whoever wants it has told why.
    if (err.message !== FORCED) outage.lost(connection, err);
  });
  connection.on('connectFailed', ({ err }) => {
    outage.lost(connection, err);
  });
  connection.on('connect', () => {
    outage.found(connection);
  });
  return connection;
}

/** Closes a connection for good. Never rejects. */
export async function closeConnection(url: string, connection: AmqpConnectionManager | null): Promise<void> {
  if (!connection) return;
  await connection.close().catch(() => undefined);
  outageOf(url).forget(connection);
}

/**
 * A confirm channel that is set up anew on every connection.
 * A set-up that fails would leave the channel dead until the next reconnect: it forces one.
 */
export function openChannel(
  connection: AmqpConnectionManager,
  setup: (channel: ConfirmChannel) => Promise<void>,
  logger: Logger,
): ChannelWrapper {
  const wrapper = connection.createChannel({ json: false, publishTimeout: PUBLISH_TIMEOUT_MS, setup });
  // Without this listener a failing set-up is an unhandled rejection and ends the process. Never listen on the raw
  // channel: there, a listener turns a broken channel from a reconnect into silence.
  let repair: NodeJS.Timeout | undefined;
  // It is tried every second: the same fault is said once.
  let told: string | undefined;
  wrapper.on('connect', () => {
    told = undefined;
  });
  wrapper.on('error', (error: Error) => {
    const reason = reasonOf(error);
    if (reason !== told) logger.error(`channel: ${reason}; trying again`);
    told = reason;
    clearTimeout(repair);
    repair = setTimeout(() => {
      connection.reconnect();
    }, RECONNECT_SECONDS * 1000);
  });
  // A closed connection throws when it is asked to reconnect.
  wrapper.on('close', () => {
    clearTimeout(repair);
  });
  return wrapper;
}
