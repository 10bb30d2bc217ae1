import { Logger } from '@nestjs/common';
import type { ClientProxy } from '@nestjs/microservices';
import { createTransport, QUEUES, type QueueKey, type Transport } from '@hitl/messaging';
import { testAmqpUrl, until } from '@hitl/testing';
import { connect, type ChannelModel } from 'amqplib';

// Tests of faults would fill the screen with them.
Logger.overrideLogger(false);

type Server = ReturnType<Transport['createServer']>;
type Handler = (data: any) => unknown;

/** What services get injected: both clients, without what tells them apart. */
export type Sender = ClientProxy & { readonly ready: boolean };

/** One transport, and whatever a test lets consume from it. */
export interface TestTransport {
  client: Sender;
  createServer: Transport['createServer'];
  /** Consumes a queue; its patterns that have no handler here get one that does nothing. */
  consume(
    queue: QueueKey,
    handlers: Record<string, Handler>,
    settings?: { concurrency?: number; graceMs?: number },
  ): Promise<Server>;
  /** Closes every server and the client. */
  close(): Promise<void>;
}

/** The queues that keep messages while nobody consumes. */
export const DURABLE_QUEUES = Object.values(QUEUES)
  .filter((queue) => !('fanOut' in queue))
  .map(({ name }) => name);

/** The two transports that handlers and senders must meet the same rules on. */
export const TRANSPORTS = [
  { name: 'RabbitMQ', open: () => openRabbitMq() },
  { name: 'the in-process transport', open: () => openTransport(createTransport()) },
];

/**
 * Connected to the run's RabbitMQ, whose queues are empty.
 * @param url another way there, or several
 */
export async function openRabbitMq(url = testAmqpUrl()): Promise<TestTransport> {
  const transport = await openTransport(createTransport(url));
  await withBroker(async (broker) => {
    const channel = await broker.createChannel();
    for (const name of DURABLE_QUEUES) await channel.purgeQueue(name);
  });
  return transport;
}

/** Talks to the run's RabbitMQ past the application. */
export async function withBroker<T>(work: (broker: ChannelModel) => Promise<T>): Promise<T> {
  const broker = await connect(testAmqpUrl());
  try {
    return await work(broker);
  } finally {
    await broker.close();
  }
}

async function openTransport(transport: Transport): Promise<TestTransport> {
  const servers: Server[] = [];
  await transport.client.connect().catch(() => undefined);
  await until('the client is ready', () => transport.client.ready);
  return {
    client: transport.client as never,
    createServer: (consumption) => transport.createServer(consumption),
    async consume(queue, handlers, { concurrency = 10, graceMs = 5000 } = {}) {
      const server = transport.createServer({ queue, concurrency, graceMs });
      for (const { pattern } of QUEUES[queue].messages) {
        const handler = handlers[pattern] ?? (() => undefined);
        // As Nest wraps a controller's method.
        server.addHandler(pattern, async (data) => handler(data) as Promise<any>, queue !== 'reviewCommands');
      }
      await server.listen(() => undefined);
      servers.push(server);
      await until(`${queue} is consumed`, () => server.ready);
      return server;
    },
    async close() {
      await Promise.all(servers.map((server) => server.close()));
      await transport.client.close();
    },
  };
}

/** Something that handlers can wait at until the test lets them pass. */
export function gate(): { passed: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const passed = new Promise<void>((resolve) => (open = resolve));
  return { passed, open };
}
