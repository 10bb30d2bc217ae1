import { Logger } from '@nestjs/common';
import { BaseRpcContext, Server, type CustomTransportStrategy } from '@nestjs/microservices';
import { isUnexpectedTrouble } from '@hitl/domain';
import { lastValueFrom } from 'rxjs';
import { Consumption, type QueueConsumption } from '../consumption';
import { openEnvelope, PoisonError, toReplyError } from '../envelope';
import { QUEUES } from '../topology';
import type { InProcessBroker, InProcessMessage } from './in-process-broker';

/** Consumes one queue of an {@link InProcessBroker} under the rules of the RabbitMQ server. */
export class InProcessServer extends Server implements CustomTransportStrategy {
  protected override readonly logger = new Logger(InProcessServer.name);
  override readonly transportId = Symbol('in-process');
  private readonly consumption: Consumption;
  private running = 0;
  private consuming = false;

  constructor(
    private readonly broker: InProcessBroker,
    private readonly settings: QueueConsumption & { graceMs: number },
  ) {
    super();
    this.consumption = new Consumption(settings.queue, this.logger);
  }

  get ready(): boolean {
    return this.consuming;
  }

  listen(callback: () => void): void {
    for (const message of QUEUES[this.settings.queue].messages) {
      if (!this.getHandlerByPattern(message.pattern)) {
        throw new Error(`No handler for '${message.pattern}': import its consumer's module.`);
      }
    }
    this.consuming = true;
    this.broker.consume(this.settings.queue, () => {
      this.pump();
    });
    callback();
  }

  async close(): Promise<void> {
    this.consuming = false;
    this.broker.stop(this.settings.queue);
    await this.consumption.drain(this.settings.graceMs);
  }

  on(): never {
    throw new Error('the in-process transport has no events');
  }

  unwrap<T>(): T {
    return this.broker as T;
  }

  private pump(): void {
    while (this.consuming && this.running < this.settings.concurrency) {
      const message = this.broker.take(this.settings.queue);
      if (!message) return;
      this.running += 1;
      void this.handle(message).finally(() => {
        this.running -= 1;
        this.pump();
      });
    }
  }

  private async handle(message: InProcessMessage): Promise<void> {
    const outcome = await this.consumption.run(
      () => this.dispatch(message),
      (reason) => {
        this.logger.error(`a message of ${QUEUES[this.settings.queue].name} was dropped: ${reason}`);
        return Promise.resolve();
      },
    );
    if (outcome === 'again') this.broker.putBack(this.settings.queue, message);
  }

  private async dispatch({ text, reply }: InProcessMessage): Promise<void> {
    const envelope = openEnvelope(this.settings.queue, text);
    const invoke = async (): Promise<unknown> => {
      const handler = this.messageHandlers.get(envelope.pattern);
      if (!handler) throw new PoisonError(`no handler for ${envelope.pattern}`);
      const result: unknown = await handler(envelope.data, new BaseRpcContext([envelope.pattern]));
      return lastValueFrom(this.transformToObservable(result), { defaultValue: undefined });
    };
    if (!reply) {
      await invoke();
      return;
    }
    try {
      reply({ response: await invoke() });
    } catch (error) {
      const err = toReplyError(error);
      if (err.code === 'internal_error' || isUnexpectedTrouble(error)) this.logger.error(error);
      reply({ err });
    }
  }
}
