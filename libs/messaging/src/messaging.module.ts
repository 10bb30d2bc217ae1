import { Inject, Injectable, Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { ClientProxy } from '@nestjs/microservices';
import { brokerUrls } from '@hitl/config';
import { ChangeAnnouncer } from './change-announcer';
import type { QueueConsumption } from './consumption';
import { InProcessBroker } from './in-process/in-process-broker';
import { InProcessClient } from './in-process/in-process-client';
import { InProcessServer } from './in-process/in-process-server';
import { OutboxRelay } from './outbox-relay';
import { RabbitMqClient } from './rabbitmq/rabbitmq-client';
import { RabbitMqServer } from './rabbitmq/rabbitmq-server';

/** A way for messages to travel: one client, and a server for every queue that the process consumes. */
export interface Transport {
  client: RabbitMqClient | InProcessClient;
  createServer(consumption: QueueConsumption & { graceMs: number }): RabbitMqServer | InProcessServer;
}

/** RabbitMQ where a URL, or a list of them, is given, else queues inside this process. */
export function createTransport(amqpUrl?: string): Transport {
  if (amqpUrl !== undefined) {
    const urls = brokerUrls(amqpUrl);
    return {
      client: new RabbitMqClient(urls),
      createServer: (consumption) => new RabbitMqServer(urls, consumption),
    };
  }
  const broker = new InProcessBroker();
  return {
    client: new InProcessClient(broker),
    createServer: (consumption) => new InProcessServer(broker, consumption),
  };
}

/** Closes the client after everything that publishes has stopped. */
@Injectable()
class ClientCloser implements OnApplicationShutdown {
  constructor(@Inject(ClientProxy) private readonly client: ClientProxy) {}

  async onApplicationShutdown(): Promise<void> {
    await this.client.close();
  }
}

/** Provides the transport's client as `ClientProxy`, and the outbox relay, to the whole application. */
@Module({})
export class MessagingModule {
  static forRoot(transport: Transport): DynamicModule {
    return {
      module: MessagingModule,
      global: true,
      providers: [
        { provide: ClientProxy, useValue: transport.client },
        OutboxRelay,
        ChangeAnnouncer,
        ClientCloser,
      ],
      exports: [ClientProxy, OutboxRelay, ChangeAnnouncer],
    };
  }
}
