import { randomUUID } from 'node:crypto';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  createTransport,
  EditReview,
  InferenceRequested,
  JobChanged,
  QUEUES,
  ReleaseReview,
  ReviewViewed,
} from '@hitl/messaging';
import { SCOPE, until } from '@hitl/testing';
import type { GetMessage } from 'amqplib';
import { firstValueFrom } from 'rxjs';
import { DURABLE_QUEUES, gate, openRabbitMq, withBroker, type Sender, type TestTransport } from './transport';

const QUEUE = QUEUES.inference.name;

/** What a broker can do that queues in a process cannot. */
describe('RabbitMQ', () => {
  let transport: TestTransport;
  beforeEach(async () => {
    transport = await openRabbitMq();
  });
  afterEach(() => transport.close());

  const emit = (client = transport.client, jobId: string = randomUUID()): Promise<void> =>
    firstValueFrom(client.emit<void>(InferenceRequested.pattern, { jobId }), { defaultValue: undefined });
  const sendRaw = (content: Buffer): Promise<void> =>
    withBroker(async (broker) => {
      const channel = await broker.createConfirmChannel();
      channel.sendToQueue(QUEUE, content);
      await channel.waitForConfirms();
    });
  const parked = (): Promise<GetMessage> =>
    withBroker(async (broker) => {
      const channel = await broker.createChannel();
      return until('a message is parked', async () => {
        const message = await channel.get(QUEUES.parked.name, { noAck: true });
        return message === false ? null : message;
      });
    });

  it('keeps events on disk, in quorum queues', async () => {
    await emit();
    await withBroker(async (broker) => {
      const channel = await broker.createChannel();
      for (const name of DURABLE_QUEUES) {
        await channel.assertQueue(name, { durable: true, arguments: { 'x-queue-type': 'quorum' } });
      }
      const message = (await channel.get(QUEUE, { noAck: true })) as GetMessage;
      expect(message.properties.deliveryMode).toBe(2);
    });
  });

  it('tells every gateway of a change, and nobody who comes later', async () => {
    const change = { changes: [{ jobId: randomUUID(), status: 'human' }] };
    const heard: string[] = [];
    const other = await openRabbitMq();
    const listen = (gateway: TestTransport, name: string) =>
      gateway.consume('jobChanges', {
        [JobChanged.pattern]: () => heard.push(name),
        [ReviewViewed.pattern]: () => undefined,
      });
    await listen(transport, 'first');
    await listen(other, 'second');
    await firstValueFrom(transport.client.emit<void>(JobChanged.pattern, change), {
      defaultValue: undefined,
    });
    await until('both have heard', () => heard.length === 2);
    await listen(transport, 'late');
    await firstValueFrom(transport.client.emit<void>(JobChanged.pattern, change), {
      defaultValue: undefined,
    });
    await until('all three have heard', () => heard.length === 5);
    expect(heard.sort()).toEqual(['first', 'first', 'late', 'second', 'second']);
    await other.close();
  });

  it('rejects an event that no queue takes, and takes it again after a reconnect', async () => {
    await withBroker(async (broker) => {
      const channel = await broker.createChannel();
      await channel.deleteQueue(QUEUE);
    });
    await expect(emit()).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining(QUEUE),
    });
    const next = await openRabbitMq();
    await emit(next.client);
    await next.close();
  });

  it('consumes on when the broker has ended its subscription', async () => {
    const handled: string[] = [];
    const server = await transport.consume('inference', {
      [InferenceRequested.pattern]: ({ jobId }) => handled.push(jobId),
    });
    await withBroker(async (broker) => {
      const channel = await broker.createChannel();
      await channel.deleteQueue(QUEUE);
    });
    await until('the server notices', () => !server.ready);
    await until('it consumes again', () => server.ready);
    const jobId = randomUUID();
    await emit(transport.client, jobId);
    await until('an event was handled', () => handled.includes(jobId));
  });

  it.each([
    ['no JSON', Buffer.from('{')],
    ['no UTF-8', Buffer.from([0xff, 0xfe])],
    ['nothing', Buffer.alloc(0)],
    ['an unknown pattern', Buffer.from('{"pattern":"job.lost","data":{}}')],
    ['a prototype of its own', Buffer.from('{"pattern":"inference.requested","data":{"__proto__":null}}')],
    ['more than an event may have', Buffer.from(`{"pattern":"${'x'.repeat(70_000)}"}`)],
  ])('parks a message that is %s, with where it was and why, and goes on', async (_name, content) => {
    const handled: string[] = [];
    await transport.consume(
      'inference',
      { [InferenceRequested.pattern]: ({ jobId }) => handled.push(jobId) },
      { concurrency: 1 },
    );
    await sendRaw(content);
    const message = await parked();
    expect(message.content).toEqual(content);
    expect(message.properties.headers).toMatchObject({
      'x-parked-from': QUEUE,
      'x-parked-because': expect.stringMatching(/^PoisonError: /),
    });
    const jobId = randomUUID();
    await emit(transport.client, jobId);
    await until('the next one was handled', () => handled.includes(jobId));
  });

  it('hands large commands over two at a time, and small ones beside them', async () => {
    const { passed, open } = gate();
    const begun: string[] = [];
    await transport.consume('reviewCommands', {
      [EditReview.pattern]: async ({ actor }) => {
        begun.push(actor);
        await passed;
      },
      [ReleaseReview.pattern]: () => 'done',
    });
    const jobId = randomUUID();
    const response = JSON.stringify('x'.repeat(1_500_000));
    const edits = ['ann', 'bob', 'cem'].map((actor) =>
      firstValueFrom(
        transport.client.send(EditReview.pattern, {
          ...SCOPE,
          jobId,
          actor,
          revision: 1,
          response,
          payload: null,
        }),
        { defaultValue: undefined },
      ),
    );
    await until('two are in hand', () => begun.length === 2);
    const release = transport.client.send<string>(ReleaseReview.pattern, { ...SCOPE, jobId, actor: 'ann' });
    expect(await firstValueFrom(release)).toBe('done');
    expect(begun).toHaveLength(2);
    open();
    await Promise.all(edits);
    expect(begun.sort()).toEqual(['ann', 'bob', 'cem']);
  });

  describe('that is away', () => {
    it('rejects what is sent at once', async () => {
      const closed = createServer().listen(0, '127.0.0.1');
      await once(closed, 'listening');
      const { port } = closed.address() as AddressInfo;
      closed.close();
      const client: Sender = createTransport(`amqp://127.0.0.1:${port}`).client as never;
      const begin = Date.now();
      await expect(emit(client)).rejects.toMatchObject({ code: 'unavailable' });
      await expect(emit(client)).rejects.toMatchObject({ code: 'unavailable' });
      expect(Date.now() - begin).toBeLessThan(1000);
      expect(client.ready).toBe(false);
      await client.close();
    });

    it('lets a server start all the same, not ready', async () => {
      const server = createTransport('amqp://127.0.0.1:1').createServer({
        queue: 'inference',
        concurrency: 1,
        graceMs: 0,
      });
      server.addHandler(InferenceRequested.pattern, () => Promise.resolve(), true);
      let started = false;
      await server.listen(() => (started = true));
      expect([started, server.ready]).toEqual([true, false]);
      await server.close();
    });
  });
});
