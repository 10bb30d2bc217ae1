import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { connect, type AmqpConnectionManager, type ChannelWrapper } from 'amqp-connection-manager';
import type { ConfirmChannel } from 'amqplib';
import { shownUrl } from '@hitl/config';
import { Outage, reasonOf } from './outage';

/** Seconds between heartbeats; a dead connection is noticed after two to three times that. */
const HEARTBEAT_SECONDS = 4;
const RECONNECT_SECONDS = 1;
const CONNECT_TIMEOUT_MS = 3000;
/** How long a message may wait for the broker's confirm before its sender is told that it failed. */
const PUBLISH_TIMEOUT_MS = 5000;
/** How long the broker may take for all that is asked of it on a channel, such as to declare the queues. */
const CHANNEL_TIMEOUT_MS = 10_000;
/** How long a closing connection waits for the broker. */
const CLOSE_TIMEOUT_MS = 2000;

/**
 * A connection that comes back by itself for as long as the process lives, on the next of its brokers each time. It is
 * given up, and opened anew, as soon as its broker no longer answers: a broker that is frozen closes nothing.
 */
export class BrokerConnection {
  readonly manager: AmqpConnectionManager;
  /** When the broker last did something that only a broker does that is well. */
  private answeredAt = 0;
  private blocked = false;

  /** @param urls the nodes of one cluster; the first one that answers is used */
  constructor(
    private readonly urls: readonly string[],
    private readonly logger: Logger,
  ) {
    this.manager = connect([...urls], {
      heartbeatIntervalInSeconds: HEARTBEAT_SECONDS,
      reconnectTimeInSeconds: RECONNECT_SECONDS,
      connectionOptions: { timeout: CONNECT_TIMEOUT_MS },
    });
    this.tellOutages();
    this.manager.on('blocked', ({ reason }) => {
      this.blocked = true;
      this.logger.warn(`the broker takes no messages: ${reason}`);
    });
    this.manager.on('unblocked', () => {
      this.blocked = false;
    });
    this.manager.on('connect', () => {
      this.blocked = false;
      this.answeredAt = performance.now();
      if (this.stream) gatherWrites(this.stream);
    });
  }

  /**
   * A confirm channel that is set up anew on every connection.
   * A set-up that fails would leave the channel dead until the next reconnect: it forces one.
   */
  openChannel(setup: (channel: ConfirmChannel) => Promise<void>): ChannelWrapper {
    const wrapper = this.manager.createChannel({
      json: false,
      publishTimeout: PUBLISH_TIMEOUT_MS,
      setup: (channel: ConfirmChannel) => answered(setup(channel)),
    });
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
      if (reason !== told) this.logger.error(`channel: ${reason}; trying again`);
      told = reason;
      clearTimeout(repair);
      repair = setTimeout(() => {
        this.drop('its channel could not be set up');
      }, RECONNECT_SECONDS * 1000);
    });
    wrapper.on('close', () => {
      clearTimeout(repair);
    });
    return wrapper;
  }

  /** Resolves or rejects as `sending` does, which is over with the broker's confirm, or after {@link PUBLISH_TIMEOUT_MS}. */
  async confirmed(sending: Promise<unknown>): Promise<void> {
    const sentAt = performance.now();
    try {
      await sending;
      this.answeredAt = performance.now();
    } catch (error) {
      // A broker that confirms other messages is well, and one whose memory is full says so.
      const silent = this.answeredAt < sentAt && !this.blocked;
      if (silent && error instanceof Error && error.message === 'timeout') {
        this.drop(`it confirmed nothing for ${PUBLISH_TIMEOUT_MS / 1000} s`);
      }
      throw error;
    }
  }

  /**
   * Ends the connection at once, so that the next one is opened. Never by `reconnect()` of the connection manager: it
   * waits for the broker's consent, for ever where that is frozen.
   */
  drop(reason: string): void {
    this.stream?.destroy(new Error(reason));
  }

  private get stream(): Socket | undefined {
    return (this.manager.connection?.connection as { stream: Socket } | undefined)?.stream;
  }

  /** Ends it for good; never rejects. */
  async close(): Promise<void> {
    await Promise.race([
      this.manager.close().catch(() => undefined),
      delay(CLOSE_TIMEOUT_MS, undefined, { ref: false }).then(() => {
        this.drop('it does not respond');
      }),
    ]);
    outageOf(this.urls).forget(this);
  }

  private tellOutages(): void {
    const outage = outageOf(this.urls);
    // With one broker there is no question which.
    const nameOf = (url: unknown) =>
      this.urls.length > 1 && typeof url === 'string' ? shownUrl(url) : undefined;
    this.manager.on('disconnect', ({ err }) => {
      outage.lost(this, err);
    });
    this.manager.on('connectFailed', ({ err, url }) => {
      outage.lost(this, err, nameOf(url));
    });
    this.manager.on('connect', ({ url }) => {
      outage.found(this, nameOf(url));
    });
  }
}

/** Hands what is written in one turn to the system at once: amqplib writes each frame by itself. */
function gatherWrites(stream: Socket): void {
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  let isGathering = false;
  stream.write = (...args: unknown[]) => {
    if (!isGathering) {
      isGathering = true;
      stream.cork();
      process.nextTick(() => {
        isGathering = false;
        stream.uncork();
      });
    }
    return write(...args);
  };
}

const outages = new Map<string, Outage>();

/** The outage of these brokers, as this process tells it. */
export function outageOf(urls: readonly string[]): Outage {
  const key = urls.join();
  const outage = outages.get(key) ?? new Outage(new Logger('Broker'));
  outages.set(key, outage);
  return outage;
}

/**
 * What the broker answers on a channel.
 * @param ms how long it may take
 * @throws Error when it has not answered by then
 */
export async function answered<T>(answer: Promise<T>, ms = CHANNEL_TIMEOUT_MS): Promise<T> {
  const patience = new AbortController();
  try {
    return await Promise.race([
      answer,
      delay(ms, undefined, { ref: false, signal: patience.signal }).then(() => {
        throw new Error(`the broker did not respond for ${ms / 1000} s`);
      }),
    ]);
  } finally {
    patience.abort();
  }
}
