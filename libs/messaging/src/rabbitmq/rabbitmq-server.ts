import { RmqContext, ServerRMQ } from '@nestjs/microservices';
import { Logger } from '@nestjs/common';
import { isUnexpectedTrouble } from '@hitl/domain';
import type { AmqpConnectionManager, ChannelWrapper } from 'amqp-connection-manager';
import type { ConfirmChannel, ConsumeMessage } from 'amqplib';
import { lastValueFrom } from 'rxjs';
import { Consumption, type QueueConsumption } from '../consumption';
import { openEnvelope, PoisonError, toReplyError, type Envelope } from '../envelope';
import { assertTopology, isFanOut, QUEUES } from '../topology';
import { closeConnection, openChannel, openConnection } from './connection';

/** Largest event in bytes; events carry ids only. Commands carry what a reviewer wrote. */
const LARGEST_EVENT = 65_536;

/**
 * Nest's RabbitMQ server, made safe: it consumes one queue, acknowledges in one place and only after the handler
 * has resolved, parks what can never be handled, notices when the broker ends its subscription, starts while the
 * broker is away, and finishes what it holds before it closes.
 */
export class RabbitMqServer extends ServerRMQ {
  protected override readonly logger = new Logger(RabbitMqServer.name);
  private readonly consumption: Consumption;
  private consumerTag?: string;
  private raw?: ConfirmChannel;

  constructor(
    private readonly url: string,
    private readonly settings: QueueConsumption & { graceMs: number },
  ) {
    super({ urls: [url], queue: QUEUES[settings.queue].name, noAck: false, noAssert: true });
    this.consumption = new Consumption(settings.queue, this.logger);
  }

  /** Whether messages can arrive right now. */
  get ready(): boolean {
    return this.consumerTag !== undefined;
  }

  /** Starts to consume; does not wait for the broker, which may be away. */
  override listen(callback: () => void): Promise<void> {
    for (const message of QUEUES[this.settings.queue].messages) {
      if (!this.getHandlerByPattern(message.pattern)) {
        throw new Error(
          `No handler for '${message.pattern}', but this process consumes ${this.queue}: import its consumer's module.`,
        );
      }
    }
    const connection = openConnection(this.url);
    connection.on('disconnect', () => {
      this.consumerTag = undefined;
    });
    this.server = connection;
    this.channel = openChannel(connection, (channel) => this.setupChannel(channel), this.logger);
    callback();
    return Promise.resolve();
  }

  override async setupChannel(channel: ConfirmChannel): Promise<void> {
    await assertTopology(channel);
    await channel.prefetch(this.settings.concurrency, false);
    this.raw = channel;
    if (this.consumption.stopping) return;
    const { consumerTag } = await channel.consume(
      isFanOut(this.settings.queue) ? await this.ownQueue(channel) : this.queue,
      (message) => void this.receive(message, channel),
      { noAck: false },
    );
    this.consumerTag = consumerTag;
    this.logger.log(`consuming ${this.queue}, ${this.settings.concurrency} at once`);
  }

  /** A queue for this consumer alone, which goes with its connection. */
  private async ownQueue(channel: ConfirmChannel): Promise<string> {
    const { queue } = await channel.assertQueue('', { exclusive: true, autoDelete: true, durable: false });
    await channel.bindQueue(queue, this.queue, '');
    return queue;
  }

  /** Never rejects. A null message is the broker's word that this consumer is no more. */
  private async receive(message: ConsumeMessage | null, channel: ConfirmChannel): Promise<void> {
    if (message === null) {
      this.consumerTag = undefined;
      this.logger.warn(`the broker ended the subscription to ${this.queue}; reconnecting`);
      (this.server as AmqpConnectionManager).reconnect();
      return;
    }
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

  override async close(): Promise<void> {
    const tag = this.consumerTag;
    this.consumerTag = undefined;
    if (tag !== undefined) await this.raw?.cancel(tag).catch(() => undefined);
    await this.consumption.drain(this.settings.graceMs);
    await (this.channel as ChannelWrapper | null)?.close().catch(() => undefined);
    await closeConnection(this.url, this.server as AmqpConnectionManager | null);
  }

  private async dispatch(message: ConsumeMessage, channel: ConfirmChannel): Promise<void> {
    const { replyTo } = message.properties as { replyTo?: string };
    if (replyTo === undefined && message.content.length > LARGEST_EVENT) {
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
    (this.channel as ChannelWrapper)
      .sendToQueue(replyTo, Buffer.from(JSON.stringify(reply)), {
        correlationId: message.properties.correlationId as string,
        persistent: false,
      })
      .catch((error: unknown) => {
        this.logger.warn(`a reply was not delivered: ${String(error)}`);
      });
  }

  private async invoke({ pattern, data }: Envelope, context: RmqContext): Promise<unknown> {
    const handler = this.getHandlerByPattern(pattern);
    if (!handler) throw new PoisonError(`no handler for ${pattern}`);
    return lastValueFrom(this.transformToObservable(await handler(data, context)), {
      defaultValue: undefined,
    });
  }

  private async park(message: ConsumeMessage, reason: string): Promise<void> {
    // News is old by the time that anybody could look at it, and there is a copy for every consumer.
    if (isFanOut(this.settings.queue)) return;
    await (this.channel as ChannelWrapper).sendToQueue(QUEUES.parked.name, message.content, {
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
