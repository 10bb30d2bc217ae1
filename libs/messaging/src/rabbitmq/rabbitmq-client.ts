import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { Logger } from '@nestjs/common';
import { ClientRMQ, type ReadPacket, type WritePacket } from '@nestjs/microservices';
import type { AmqpConnectionManager, ChannelWrapper } from 'amqp-connection-manager';
import type { ConfirmChannel, ConsumeMessage } from 'amqplib';
import { DomainError } from '@hitl/domain';
import { REPLY_PATIENCE_MS } from '../ask';
import { assertTopology, isFanOut, QUEUES, queueOf } from '../topology';
import { closeConnection, openChannel, openConnection } from './connection';

/** Messages that may wait for the broker's confirm at once; more are refused, and stay in the outbox. */
const MOST_UNCONFIRMED = 2000;

/**
 * Nest's RabbitMQ client, made safe: a pattern finds its queue, events are persistent and `emit` resolves on the
 * broker's confirm, a message that no queue took is an error, nothing is buffered while the broker is away.
 */
export class RabbitMqClient extends ClientRMQ {
  protected override readonly logger = new Logger(RabbitMqClient.name);
  private unconfirmed = 0;
  private readonly returned = new Set<string>();
  private open = false;

  constructor(private readonly url: string) {
    super({ urls: [url], queue: 'set per message', noAssert: true, persistent: true });
  }

  /** Whether the broker takes messages right now. */
  get ready(): boolean {
    return this.open;
  }

  /** Opens the connection in the background at the first call. @throws DomainError `unavailable` while the broker is away */
  override connect(): Promise<void> {
    if (!this.client) {
      this.responseEmitter = new EventEmitter().setMaxListeners(0);
      const connection = openConnection(this.url);
      connection.on('disconnect', () => {
        this.open = false;
      });
      connection.on('blocked', ({ reason }) => {
        this.open = false;
        this.logger.warn(`the broker takes no messages: ${reason}`);
      });
      connection.on('unblocked', () => {
        this.open = true;
      });
      this.client = connection;
      this.channel = openChannel(connection, (channel) => this.setupChannel(channel), this.logger);
    }
    return this.open ? Promise.resolve() : Promise.reject(brokerAway());
  }

  override async setupChannel(channel: ConfirmChannel): Promise<void> {
    await assertTopology(channel);
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
    await (this.channel as ChannelWrapper | null)?.close().catch(() => undefined);
    await closeConnection(this.url, this.client as AmqpConnectionManager | null);
    this.channel = null;
    this.client = null;
  }

  /** Resolves once the broker has confirmed. */
  protected override async dispatchEvent(packet: ReadPacket): Promise<void> {
    await this.sendConfirmed(packet, { persistent: true });
  }

  /** A request: gone from its queue when its sender no longer waits. */
  protected override publish(packet: ReadPacket, callback: (packet: WritePacket) => void): () => void {
    const correlationId = randomUUID();
    const listener = (message: ConsumeMessage): void => {
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
      { persistent: false, replyTo: this.replyQueue, correlationId, expiration: REPLY_PATIENCE_MS },
    ).catch((err: unknown) => {
      callback({ err, isDisposed: true });
    });
    return cleanup;
  }

  private async sendConfirmed(packet: ReadPacket & { id?: string }, options: object): Promise<void> {
    if (this.unconfirmed >= MOST_UNCONFIRMED) throw brokerAway();
    const key = queueOf(String(packet.pattern));
    const queue = QUEUES[key].name;
    const messageId = randomUUID();
    this.unconfirmed += 1;
    try {
      const content = Buffer.from(
        JSON.stringify({ pattern: packet.pattern as unknown, data: packet.data as unknown, id: packet.id }),
      );
      if (isFanOut(key)) {
        await (this.channel as ChannelWrapper).publish(queue, '', content, {
          contentType: 'application/json',
        });
        return;
      }
      await (this.channel as ChannelWrapper).sendToQueue(queue, content, {
        ...options,
        messageId,
        mandatory: true,
        contentType: 'application/json',
      });
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
