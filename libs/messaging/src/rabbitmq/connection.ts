import type { Logger } from '@nestjs/common';
import { connect, type AmqpConnectionManager, type ChannelWrapper } from 'amqp-connection-manager';
import type { ConfirmChannel } from 'amqplib';

/** Seconds between heartbeats; a dead connection is noticed after about twice that. */
const HEARTBEAT_SECONDS = 10;
const RECONNECT_SECONDS = 1;
const CONNECT_TIMEOUT_MS = 5000;
/** How long a message may wait for the broker's confirm before its sender is told that it failed. */
export const PUBLISH_TIMEOUT_MS = 5000;

/** A connection that comes back by itself for as long as the process lives. */
export function openConnection(url: string): AmqpConnectionManager {
  return connect([url], {
    heartbeatIntervalInSeconds: HEARTBEAT_SECONDS,
    reconnectTimeInSeconds: RECONNECT_SECONDS,
    connectionOptions: { timeout: CONNECT_TIMEOUT_MS },
  });
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
  wrapper.on('error', (error: Error) => {
    logger.error(`channel: ${error.message}`);
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
