import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ask, InferenceRequested, JobChanged, QUEUES, ReadPolicy, ReviewViewed } from '@hitl/messaging';
import { registry } from '@hitl/observability';
import { createLine, testAmqpUrl, until, type Line } from '@hitl/testing';
import { firstValueFrom } from 'rxjs';
import { gate, openRabbitMq, withBroker, type Sender, type TestTransport } from './transport';

const DEADLINE = 60_000;
const INFERENCE = QUEUES.inference.name;
const QUORUM = { durable: true, arguments: { 'x-queue-type': 'quorum' } };

const emit = (client: Sender, jobId: string = randomUUID()): Promise<void> =>
  firstValueFrom(client.emit<void>(InferenceRequested.pattern, { jobId }), { defaultValue: undefined });

/** The sum of a counter, whatever its labels. */
async function counted(name: string): Promise<number> {
  const metric = await registry.getSingleMetric(name)?.get();
  return metric?.values.reduce((sum, { value }) => sum + value, 0) ?? 0;
}

/** @throws Error where there is no such queue */
const consumersOf = (queue: string): Promise<number> =>
  withBroker(async (broker) => {
    const channel = await broker.createChannel();
    channel.on('error', () => undefined);
    return (await channel.checkQueue(queue)).consumerCount;
  });

describe('a broker that says nothing', () => {
  let line: Line;
  let transport: TestTransport;
  beforeEach(async () => {
    // To a client that does not say that it understands it, the broker never tells that a subscription has ended.
    line = await createLine(testAmqpUrl(), (chunk) =>
      chunk.replace('consumer_cancel_notify', 'consumer_cancel_nobody'),
    );
    transport = await openRabbitMq(line.url);
  });
  afterEach(async () => {
    await transport.close();
    line.close();
  });

  it(
    'when it has dropped a subscription is found out, and its queue is consumed again',
    async () => {
      const handled: string[] = [];
      const server = await transport.consume('inference', {
        [InferenceRequested.pattern]: ({ jobId }) => handled.push(jobId),
      });
      const lost = await counted('hitl_subscriptions_lost_total');
      // A queue that is there again soon enough gets its consumers back.
      let without = 0;
      await until('the subscription is gone for good', () =>
        withBroker(async (broker) => {
          const channel = await broker.createChannel();
          const { consumerCount } = await channel.assertQueue(INFERENCE, QUORUM);
          if (consumerCount > 0) await channel.deleteQueue(INFERENCE);
          without = consumerCount > 0 ? 0 : without + 1;
          return without === 3;
        }),
      );
      expect(server.ready).toBe(true);
      const jobId = randomUUID();
      await emit(transport.client, jobId);
      await until('the event was handled', () => handled.includes(jobId), DEADLINE);
      expect(await counted('hitl_subscriptions_lost_total')).toBe(lost + 1);
    },
    DEADLINE,
  );

  it(
    'when an exchange is deleted does not keep news from a gateway for long',
    async () => {
      const heard: unknown[] = [];
      await transport.consume('jobChanges', {
        [JobChanged.pattern]: ({ changes }) => heard.push(changes),
        [ReviewViewed.pattern]: () => undefined,
      });
      const tell = (): Promise<void> =>
        firstValueFrom(transport.client.emit<void>(JobChanged.pattern, { changes: [] }), {
          defaultValue: undefined,
        });
      await withBroker(async (broker) => {
        const channel = await broker.createChannel();
        await channel.deleteExchange(QUEUES.jobChanges.name);
        await channel.assertExchange(QUEUES.jobChanges.name, 'fanout', { durable: true });
      });
      await tell();
      await until(
        'news is heard',
        async () => {
          await tell();
          return heard.length > 0;
        },
        DEADLINE,
      );
    },
    DEADLINE,
  );

  it(
    'is not taken for lost while messages are in hand, so that no more come than may',
    async () => {
      const opened = gate();
      const begun: string[] = [];
      const server = await transport.consume(
        'inference',
        {
          [InferenceRequested.pattern]: async ({ jobId }) => {
            begun.push(jobId);
            await opened.passed;
          },
        },
        { concurrency: 1 },
      );
      await emit(transport.client);
      await until('the first is in hand', () => begun.length === 1);
      await emit(transport.client);
      // The server declares all queues whenever it makes sure of its own.
      for (const time of ['first', 'second']) {
        await withBroker(async (broker) => {
          await (await broker.createChannel()).deleteQueue(QUEUES.parked.name);
        });
        await until(
          `it has looked, the ${time} time`,
          async () => (await consumersOf(QUEUES.parked.name)) === 0,
          DEADLINE,
        );
      }
      expect([server.ready, begun.length]).toEqual([true, 1]);
      opened.open();
      await until('the second came, too', () => begun.length === 2);
    },
    2 * DEADLINE,
  );

  it(
    'does not keep a process from closing',
    async () => {
      const server = await transport.consume('inference', {});
      line.freeze();
      await Promise.all([server.close(), transport.client.close()]);
      expect([server.ready, transport.client.ready]).toEqual([false, false]);
    },
    DEADLINE,
  );
});

describe('several brokers', () => {
  it(
    'are tried one after the other, and one that is frozen is left as soon as it confirms nothing',
    async () => {
      const [frozen, other] = await Promise.all([createLine(testAmqpUrl()), createLine(testAmqpUrl())]);
      const dead = 'amqp://127.0.0.1:1';
      const transport = await openRabbitMq([dead, frozen.url, other.url].join(','));
      frozen.freeze();
      await expect(emit(transport.client)).rejects.toThrow('timeout');
      await until('it is left', () => !transport.client.ready, DEADLINE);
      await until('another one is found', () => transport.client.ready, DEADLINE);
      await emit(transport.client);
      await transport.close();
      frozen.close();
      other.close();
    },
    DEADLINE,
  );
});

it(
  'a command that nobody consumes is told as that, and counted',
  async () => {
    const transport = await openRabbitMq();
    const unanswered = await counted('hitl_commands_unanswered_total');
    await expect(ask(transport.client, ReadPolicy.pattern, {})).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(
        /^Nobody consumes hitl\.review\.commands: no review service is connected to the message broker\. .* try again\.$/,
      ),
    });
    expect(await counted('hitl_commands_unanswered_total')).toBe(unanswered + 1);
    await transport.close();
  },
  DEADLINE,
);
