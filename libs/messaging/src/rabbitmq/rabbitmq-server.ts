import { randomUUID } from 'node:crypto';
import { RmqContext, Server, Transport, type CustomTransportStrategy } from '@nestjs/microservices';
import { Logger } from '@nestjs/common';
import { isUnexpectedTrouble, Turns } from '@hitl/domain';
import type { ChannelWrapper } from 'amqp-connection-manager';
import type { ConfirmChannel, ConsumeMessage, Options } from 'amqplib';
import { lastValueFrom } from 'rxjs';
import { metrics } from '@hitl/observability';
import { Consumption, type QueueConsumption } from '../consumption';
import { openEnvelope, PoisonError, toReplyError, type Envelope } from '../envelope';
import { assertTopology, isFanOut, QUEUES } from '../topology';
import { answered, BrokerConnection } from './connection';

/** Largest event in bytes; events carry ids only. Commands carry what a reviewer wrote. */
const MAX_EVENT = 65_536;
/** Commands of more bytes are large: so many are handled at once. */
const LARGE_COMMAND = 1_048_576;
const MAX_LARGE_COMMANDS = 2;
/** How long a large one waits for its turn, in milliseconds: as long as its sender waits for it. */
const MAX_LARGE_WAIT_MS = 8_000;
/** After this long without a message the server makes sure that it would get one, in milliseconds. */
const SILENCE_MS = 10_000;
/** How long after the broker has ended a subscription it is asked for another, in milliseconds: it may be deleting the queue. */
const RENEWAL_DELAY_MS = 1000;
/** How long a closing server waits for the broker, in milliseconds. */
const CANCEL_TIMEOUT_MS = 2000;

/** What the broker knows of this consumer. */
interface Subscription {
  tag: string;
  /** The broker has said that it is no more. */
  ended: boolean;
}

/**
 * Consumes one queue of RabbitMQ: acknowledges in one place and only after the handler
 * has resolved, parks what can never be handled, notices when the broker ends its subscription, starts while the
 * broker is away, and finishes what it holds before it closes.
 */
export class RabbitMqServer extends Server implements CustomTransportStrategy {
  protected override readonly logger = new Logger(RabbitMqServer.name);
  override readonly transportId = Transport.RMQ;
  private readonly queue: string;
  private readonly consumption: Consumption;
  private channel?: ChannelWrapper;
  private connection?: BrokerConnection;
  private raw?: ConfirmChannel;
  private subscription?: Subscription;
  /** The queue that it consumes. */
  private source: string;
  private watchdog?: NodeJS.Timeout;
  private renewing = Promise.resolve();
  /** As texts and values they take several times as much memory as their bytes. */
  private readonly large = new Turns(MAX_LARGE_COMMANDS, 'Too many large commands are being handled.');

  constructor(
    private readonly brokers: readonly string[],
    private readonly settings: QueueConsumption & { graceMs: number },
  ) {
    super();
    this.queue = QUEUES[settings.queue].name;
    this.consumption = new Consumption(settings.queue, this.logger);
    this.source = this.queue;
  }

  /** Whether messages can arrive right now. */
  get ready(): boolean {
    return this.subscription !== undefined;
  }

  /** Starts to consume; does not wait for the broker, which may be away. */
  listen(callback: () => void): Promise<void> {
    for (const message of QUEUES[this.settings.queue].messages) {
      if (!this.getHandlerByPattern(message.pattern)) {
        throw new Error(
          `No handler for '${message.pattern}', but this process consumes ${this.queue}: import its consumer's module.`,
        );
      }
    }
    const connection = new BrokerConnection(this.brokers, this.logger);
    connection.manager.on('disconnect', () => {
      this.subscription = undefined;
      this.raw = undefined;
    });
    this.connection = connection;
    this.channel = connection.openChannel((channel) => this.setupChannel(channel));
    callback();
    return Promise.resolve();
  }

  private async setupChannel(channel: ConfirmChannel): Promise<void> {
    if (this.consumption.stopping) return;
    if (isFanOut(this.settings.queue)) this.source = `${this.queue}.${randomUUID()}`;
    await this.declare(channel);
    await channel.prefetch(this.settings.concurrency, false);
    this.raw = channel;
    await this.subscribe(channel);
    this.watch(channel, SILENCE_MS);
    this.logger.log(`consuming ${this.queue}, ${this.settings.concurrency} at once`);
  }

  /**
   * Declares all queues, and what this server consumes: of a fan-out that is a queue for itself, which goes with its connection.
   * @returns how many consume it
   */
  private async declare(channel: ConfirmChannel): Promise<number> {
    const states = await assertTopology(channel);
    if (!isFanOut(this.settings.queue)) return states.get(this.settings.queue)?.consumers ?? 0;
    const own = { exclusive: true, autoDelete: true, durable: false };
    const { consumerCount } = await channel.assertQueue(this.source, own);
    await channel.bindQueue(this.source, this.queue, '');
    return consumerCount;
  }

  private async subscribe(channel: ConfirmChannel): Promise<void> {
    if (this.consumption.stopping) return;
    const subscription: Subscription = { tag: randomUUID(), ended: false };
    await channel.consume(this.source, (message) => void this.receive(message, channel, subscription), {
      noAck: false,
      consumerTag: subscription.tag,
    });
    // Its end may be told before its beginning has got here.
    this.subscription = subscription.ended ? undefined : subscription;
  }

  /** Renews the subscription when no message has come for `ms`. */
  private watch(channel: ConfirmChannel, ms: number): void {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => {
      // One after the other.
      this.renewing = this.renewing.then(() => this.renew(channel));
    }, ms).unref();
  }

  /** Never rejects. */
  private async renew(channel: ConfirmChannel): Promise<void> {
    // A new channel has a watchdog of its own.
    if (channel !== this.raw || this.consumption.stopping) return;
    try {
      await answered(this.resubscribe(channel));
    } catch (error) {
      if (channel !== this.raw) return;
      this.subscription = undefined;
      this.connection?.drop(`the subscription to ${this.queue} could not be renewed: ${String(error)}`);
    }
    this.watch(channel, this.ready ? SILENCE_MS : RENEWAL_DELAY_MS);
  }

  /**
   * Makes sure that the broker still has the subscription, and an exchange its binding: it has been seen to drop them
   * without a word. Since it tells only how many consume a queue, an idle subscription is replaced by a new one. One
   * with messages in hand is kept while anybody consumes: a new one would be given as many again.
   */
  private async resubscribe(channel: ConfirmChannel): Promise<void> {
    const consumers = await this.declare(channel);
    const current = this.subscription;
    if (current) {
      const lost = consumers === 0;
      if (!lost && (isFanOut(this.settings.queue) || this.consumption.inHand > 0)) return;
      if (lost) {
        metrics.subscriptionsLost.inc({ queue: this.queue });
        this.logger.warn(
          `the broker has dropped the subscription to ${this.queue} without a word; consuming anew`,
        );
      }
      await channel.cancel(current.tag);
    }
    await this.subscribe(channel);
  }

  /** Never rejects. A null message is the broker's word that this consumer is no more. */
  private async receive(
    message: ConsumeMessage | null,
    channel: ConfirmChannel,
    subscription: Subscription,
  ): Promise<void> {
    if (message === null) {
      subscription.ended = true;
      if (this.subscription === subscription) this.subscription = undefined;
      this.logger.warn(`the broker ended the subscription to ${this.queue}; consuming anew`);
      this.watch(channel, RENEWAL_DELAY_MS);
      return;
    }
    this.watchdog?.refresh();
    if (this.consumption.stopping) {
      settle(() => {
        channel.nack(message, false, true);
      });
      return;
    }
    const outcome = await this.consumption.run(
      () => this.dispatch(message, channel),
      (reason) => this.park(message, reason),
    );
    // Through the channel that delivered it: after a reconnect the same tag is another message.
    settle(() => {
      if (outcome === 'again') channel.nack(message, false, true);
      else channel.ack(message);
    });
  }

  async close(): Promise<void> {
    const tag = this.subscription?.tag;
    this.subscription = undefined;
    clearTimeout(this.watchdog);
    if (tag !== undefined && this.raw) {
      await answered(this.raw.cancel(tag), CANCEL_TIMEOUT_MS).catch(() => undefined);
    }
    await this.consumption.drain(this.settings.graceMs);
    await this.connection?.close();
  }

  on(): never {
    throw new Error('the RabbitMQ transport has no events');
  }

  unwrap<T>(): T {
    return this.connection as T;
  }

  private async dispatch(message: ConsumeMessage, channel: ConfirmChannel): Promise<void> {
    if (message.content.length <= LARGE_COMMAND) {
      await this.handle(message, channel);
      return;
    }
    const state = { hasBegun: false };
    try {
      await this.large.take(() => {
        state.hasBegun = true;
        return this.handle(message, channel);
      }, MAX_LARGE_WAIT_MS);
    } catch (error) {
      if (state.hasBegun) throw error;
      // Its sender has given up by now, and it would take no effect any more.
      this.logger.warn(
        `a command of ${message.content.length} bytes was dropped: others were handled for too long`,
      );
    }
  }

  private async handle(message: ConsumeMessage, channel: ConfirmChannel): Promise<void> {
    const { replyTo } = message.properties as { replyTo?: string };
    if (replyTo === undefined && message.content.length > MAX_EVENT) {
      throw new PoisonError(`an event of ${message.content.length} bytes`);
    }
    const envelope = openEnvelope(this.settings.queue, message.content.toString());
    const context = new RmqContext([message, channel, envelope.pattern]);
    if (replyTo === undefined || envelope.id === undefined) {
      await this.invoke(envelope, context);
      return;
    }
    let reply: object;
    try {
      reply = { id: envelope.id, response: await this.invoke(envelope, context), isDisposed: true };
    } catch (error) {
      const err = toReplyError(error);
      if (err.code === 'internal_error' || isUnexpectedTrouble(error)) this.logger.error(error);
      reply = { id: envelope.id, err, isDisposed: true };
    }
    // A reply that is lost is asked for again; it must not hold up or crash the consumer.
    this.sendConfirmed(replyTo, Buffer.from(JSON.stringify(reply)), {
      correlationId: message.properties.correlationId as string,
      persistent: false,
    }).catch((error: unknown) => {
      this.logger.warn(`a reply was not delivered: ${String(error)}`);
    });
  }

  /** Resolves once the broker has confirmed. */
  private async sendConfirmed(queue: string, content: Buffer, options: Options.Publish): Promise<void> {
    if (!this.channel) throw new Error('the server does not listen yet');
    await this.connection?.confirmed(this.channel.sendToQueue(queue, content, options));
  }

  private async invoke({ pattern, data }: Envelope, context: RmqContext): Promise<unknown> {
    // Not by getHandlerByPattern, which tries to parse each pattern as JSON.
    const handler = this.messageHandlers.get(pattern);
    if (!handler) throw new PoisonError(`no handler for ${pattern}`);
    return lastValueFrom(this.transformToObservable(await handler(data, context)), {
      defaultValue: undefined,
    });
  }

  private async park(message: ConsumeMessage, reason: string): Promise<void> {
    // News is old by the time that anybody could look at it, and there is a copy for every consumer.
    if (isFanOut(this.settings.queue)) return;
    await this.sendConfirmed(QUEUES.parked.name, message.content, {
      persistent: true,
      contentType: message.properties.contentType as string | undefined,
      headers: { 'x-parked-from': this.queue, 'x-parked-because': reason.slice(0, 1000) },
    });
    this.logger.error(`a message of ${this.queue} was parked in ${QUEUES.parked.name}: ${reason}`);
  }
}

/** Acknowledging on a channel that is gone throws at once; the broker delivers the message again by itself. */
function settle(acknowledge: () => void): void {
  try {
    acknowledge();
  } catch {
    // The channel is closed.
  }
}
