import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { ClientProxy, type ReadPacket, type WritePacket } from '@nestjs/microservices';
import type { ChannelWrapper } from 'amqp-connection-manager';
import type { ConfirmChannel, ConsumeMessage } from 'amqplib';
import { DomainError } from '@hitl/domain';
import { REPLY_TIMEOUT_MS } from '../ask';
import type { QueueState } from '../queue-state';
import { assertQueue, assertTopology, isFanOut, QUEUES, queueOf, type QueueKey } from '../topology';
import { answered, BrokerConnection } from './connection';

/** Messages that may wait for the broker's confirm at once; more are refused, and stay in the outbox. */
const MAX_UNCONFIRMED = 2000;
/** How long the broker may take to tell the state of a queue, in milliseconds. */
const STATE_TIMEOUT_MS = 2000;

/** Where the broker puts replies for whoever has asked on the same channel. */
const REPLIES = 'amq.rabbitmq.reply-to';

/**
 * Sends to RabbitMQ: a pattern finds its queue, events are persistent and `emit` resolves on the
 * broker's confirm, a message that no queue took is an error, nothing is buffered while the broker is away.
 */
export class RabbitMqClient extends ClientProxy {
  private readonly logger = new Logger(RabbitMqClient.name);
  private unconfirmed = 0;
  private readonly returned = new Set<string>();
  private open = false;
  private connection?: BrokerConnection;
  private channel?: ChannelWrapper;
  private raw?: ConfirmChannel;
  /** What takes the reply to each request, by correlation id. */
  private readonly requests = new Map<string, (packet: WritePacket) => void>();
  /** Queues of which the log says that nobody consumes them. */
  private readonly unconsumed = new Set<QueueKey>();
  private readonly asking = new Map<QueueKey, Promise<QueueState | undefined>>();

  constructor(private readonly brokers: readonly string[]) {
    super();
  }

  /** Whether the broker takes messages right now. */
  get ready(): boolean {
    return this.open;
  }

  /** Opens the connection in the background at the first call. @throws DomainError `unavailable` while the broker is away */
  connect(): Promise<void> {
    if (!this.connection) {
      const connection = new BrokerConnection(this.brokers, this.logger);
      connection.manager.on('disconnect', () => {
        this.open = false;
      });
      connection.manager.on('blocked', () => {
        this.open = false;
      });
      connection.manager.on('unblocked', () => {
        this.open = true;
      });
      this.connection = connection;
      this.channel = connection.openChannel((channel) => this.setupChannel(channel));
    }
    return this.open ? Promise.resolve() : Promise.reject(brokerAway());
  }

  private async setupChannel(channel: ConfirmChannel): Promise<void> {
    await assertTopology(channel);
    this.raw = channel;
    channel.on('return', (message: ConsumeMessage) => {
      this.returned.add(message.properties.messageId as string);
    });
    await channel.consume(
      REPLIES,
      (message) => {
        if (message) this.takeReply(message);
      },
      { noAck: true },
    );
    this.open = true;
  }

  async close(): Promise<void> {
    this.open = false;
    for (const take of this.requests.values()) take({ err: brokerAway(), isDisposed: true });
    this.requests.clear();
    await this.connection?.close();
    this.connection = undefined;
    this.channel = undefined;
  }

  unwrap<T>(): T {
    return this.connection as T;
  }

  /** Asks the broker for the state of the queue of a pattern, and logs when nobody consumes it; undefined where it does not answer. */
  queueState(pattern: string): Promise<QueueState | undefined> {
    const key = queueOf(pattern);
    const asking = this.asking.get(key) ?? this.askState(key).finally(() => this.asking.delete(key));
    this.asking.set(key, asking);
    return asking;
  }

  private async askState(key: QueueKey): Promise<QueueState | undefined> {
    if (!this.open || !this.raw) return undefined;
    try {
      // Never passively: that ends the channel where the queue is missing.
      const state = await answered(assertQueue(this.raw, key), STATE_TIMEOUT_MS);
      if (state.consumers === 0 && !this.unconsumed.has(key)) {
        this.unconsumed.add(key);
        this.logger.error(`nobody consumes ${QUEUES[key].name}: its messages wait until a service does`);
      }
      return state;
    } catch {
      return undefined;
    }
  }

  /** Resolves once the broker has confirmed. */
  protected async dispatchEvent<T>(packet: ReadPacket): Promise<T> {
    await this.sendConfirmed(packet, { persistent: true });
    return undefined as T;
  }

  /** A request: gone from its queue when its sender no longer waits. */
  protected publish(packet: ReadPacket, callback: (packet: WritePacket) => void): () => void {
    const correlationId = randomUUID();
    const key = queueOf(String(packet.pattern));
    this.requests.set(correlationId, (reply) => {
      if (this.unconsumed.delete(key)) this.logger.log(`${QUEUES[key].name} is consumed again`);
      callback(reply);
    });
    this.sendConfirmed(
      { ...packet, id: correlationId },
      { persistent: false, replyTo: REPLIES, correlationId, expiration: REPLY_TIMEOUT_MS },
    ).catch((err: unknown) => {
      callback({ err, isDisposed: true });
    });
    return () => {
      this.requests.delete(correlationId);
    };
  }

  /** A reply to a request that nobody waits for any more is dropped. */
  private takeReply({ properties, content }: ConsumeMessage): void {
    const take = this.requests.get(properties.correlationId as string);
    if (!take) return;
    let reply: WritePacket;
    try {
      reply = JSON.parse(content.toString()) as WritePacket;
    } catch {
      reply = { err: new Error('the reply is not JSON') };
    }
    take({ ...reply, isDisposed: true });
  }

  private async sendConfirmed(packet: ReadPacket & { id?: string }, options: object): Promise<void> {
    if (this.unconfirmed >= MAX_UNCONFIRMED) throw brokerAway();
    const key = queueOf(String(packet.pattern));
    const queue = QUEUES[key].name;
    const messageId = randomUUID();
    this.unconfirmed += 1;
    try {
      const content = Buffer.from(
        JSON.stringify({ pattern: packet.pattern as unknown, data: packet.data as unknown, id: packet.id }),
      );
      const contentType = 'application/json';
      const { channel } = this;
      if (!channel) throw brokerAway();
      await this.connection?.confirmed(
        isFanOut(key)
          ? channel.publish(queue, '', content, { contentType })
          : channel.sendToQueue(queue, content, { ...options, messageId, mandatory: true, contentType }),
      );
    } finally {
      this.unconfirmed -= 1;
    }
    // The broker confirms what it could not route, too, but returns it first.
    if (this.returned.delete(messageId)) {
      throw new DomainError(
        'unavailable',
        `The broker has no queue ${queue}. It is declared again on reconnect.`,
      );
    }
  }
}

function brokerAway(): DomainError {
  return new DomainError('unavailable', 'The message broker does not respond. Try again in a few seconds.');
}
