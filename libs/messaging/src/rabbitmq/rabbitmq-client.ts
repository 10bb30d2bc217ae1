import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { Logger } from '@nestjs/common';
import { ClientRMQ, type ReadPacket, type WritePacket } from '@nestjs/microservices';
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

/**
 * Nest's RabbitMQ client, made safe: a pattern finds its queue, events are persistent and `emit` resolves on the
 * broker's confirm, a message that no queue took is an error, nothing is buffered while the broker is away.
 */
export class RabbitMqClient extends ClientRMQ {
  protected override readonly logger = new Logger(RabbitMqClient.name);
  private unconfirmed = 0;
  private readonly returned = new Set<string>();
  private open = false;
  private connection?: BrokerConnection;
  private raw?: ConfirmChannel;
  /** Queues of which the log says that nobody consumes them. */
  private readonly unconsumed = new Set<QueueKey>();
  private readonly asking = new Map<QueueKey, Promise<QueueState | undefined>>();

  constructor(private readonly brokers: readonly string[]) {
    super({ urls: [...brokers], queue: 'set per message', noAssert: true, persistent: true });
  }

  /** Whether the broker takes messages right now. */
  get ready(): boolean {
    return this.open;
  }

  /** Opens the connection in the background at the first call. @throws DomainError `unavailable` while the broker is away */
  override connect(): Promise<void> {
    if (!this.connection) {
      this.responseEmitter = new EventEmitter().setMaxListeners(0);
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
      this.client = connection.manager;
      this.channel = connection.openChannel((channel) => this.setupChannel(channel));
    }
    return this.open ? Promise.resolve() : Promise.reject(brokerAway());
  }

  override async setupChannel(channel: ConfirmChannel): Promise<void> {
    await assertTopology(channel);
    this.raw = channel;
    channel.on('return', (message: ConsumeMessage) => {
      this.returned.add(message.properties.messageId as string);
    });
    await channel.consume(
      this.replyQueue,
      (message) => {
        if (message) this.responseEmitter.emit(message.properties.correlationId as string, message);
      },
      { noAck: true },
    );
    this.open = true;
  }

  override async close(): Promise<void> {
    this.open = false;
    this.handleClose();
    await this.connection?.close();
    this.connection = undefined;
    this.channel = null;
    this.client = null;
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
        this.logger.error(`nobody consumes ${QUEUES[key].name}: its messages wait until somebody does`);
      }
      return state;
    } catch {
      return undefined;
    }
  }

  /** Resolves once the broker has confirmed. */
  protected override async dispatchEvent(packet: ReadPacket): Promise<void> {
    await this.sendConfirmed(packet, { persistent: true });
  }

  /** A request: gone from its queue when its sender no longer waits. */
  protected override publish(packet: ReadPacket, callback: (packet: WritePacket) => void): () => void {
    const correlationId = randomUUID();
    const key = queueOf(String(packet.pattern));
    const listener = (message: ConsumeMessage): void => {
      if (this.unconsumed.delete(key)) this.logger.log(`${QUEUES[key].name} is consumed again`);
      void this.handleMessage(this.parseMessageContent(message.content), callback);
    };
    const cleanup = (): void => {
      this.routingMap.delete(correlationId);
      this.responseEmitter.removeListener(correlationId, listener);
    };
    this.responseEmitter.on(correlationId, listener);
    this.routingMap.set(correlationId, callback);
    this.sendConfirmed(
      { ...packet, id: correlationId },
      { persistent: false, replyTo: this.replyQueue, correlationId, expiration: REPLY_TIMEOUT_MS },
    ).catch((err: unknown) => {
      callback({ err, isDisposed: true });
    });
    return cleanup;
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
      const channel = this.channel as ChannelWrapper;
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
  return new DomainError('unavailable', 'The message broker does not answer. Try again in a few seconds.');
}
