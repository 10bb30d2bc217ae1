import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { MetadataScanner, type DiscoveryService } from '@nestjs/core';
import { Background } from '@hitl/background';
import { readConfig } from '@hitl/config';
import { DomainError, type Bell } from '@hitl/domain';
import { createTransport, InferenceRequested, OutboxRelay } from '@hitl/messaging';
import { aJob, until } from '@hitl/testing';
import { ClientProxy, type ReadPacket } from '@nestjs/microservices';
import { TEST_STORES, type TestStore } from './store';

/** A transport that keeps what it was given, and fails when told to. */
class Recorder extends ClientProxy {
  published: ReadPacket[] = [];
  /** Messages that it did not take. */
  refused = 0;
  /** Nobody can be reached. */
  away = false;
  /** Whoever is reached takes nothing. */
  failing = false;
  connect(): Promise<void> {
    return this.away ? Promise.reject(new DomainError('unavailable', 'no broker')) : Promise.resolve();
  }
  close(): void {
    // Nothing is held.
  }
  unwrap<T>(): T {
    return this as unknown as T;
  }
  protected publish(): () => void {
    throw new Error('the outbox sends events only');
  }
  protected dispatchEvent<T>(packet: ReadPacket): Promise<T> {
    if (this.failing) {
      this.refused += 1;
      return Promise.reject(new DomainError('unavailable', 'no queue'));
    }
    this.published.push(packet);
    return Promise.resolve(undefined as T);
  }
}

describe.each(TEST_STORES)('the outbox on $name', ({ open }) => {
  let store: TestStore;
  let client: Recorder;
  let relay: OutboxRelay;
  beforeAll(async () => {
    store = await open();
  });
  beforeEach(() => {
    client = new Recorder();
    relay = new OutboxRelay(store.outbox, client);
  });
  afterEach(async () => {
    await relay.beforeApplicationShutdown();
    await store.clear();
  });
  afterAll(() => store.close());

  const submit = async (count: number): Promise<Bell[]> => {
    const submitted = await Promise.all(Array.from({ length: count }, () => store.jobs.submit(aJob())));
    return submitted.map((accepted) => accepted!.bell);
  };
  const rows = () => store.rows<{ id: string }>('SELECT id FROM outbox');
  /** As if the rows' writers had died a while ago. */
  const orphan = () => store.rows(`UPDATE outbox SET due_at = now() - interval '1 second'`);
  /** What the relay does by itself in a process. */
  const inBackground = (env: Record<string, string> = {}): Background => {
    const background = new Background(
      { getProviders: () => [{ instance: relay }] } as unknown as DiscoveryService,
      new MetadataScanner(),
      readConfig(env),
      () => undefined,
    );
    background.onApplicationBootstrap();
    return background;
  };
  const messages = (bells: Bell[]) =>
    bells.map(({ pattern, jobId }) => expect.objectContaining({ pattern, data: { jobId } }));

  describe('the store', () => {
    it('gives no row to a poller before its writer has had its time', async () => {
      await submit(1);
      expect(await store.outbox.takeDue(10)).toEqual([]);
    });

    it('gives due rows once, and again when the poller that took them did nothing for 10 s', async () => {
      const bells = await submit(3);
      await orphan();
      expect(await store.outbox.takeDue(10)).toEqual(expect.arrayContaining(bells));
      expect(await store.outbox.takeDue(10)).toEqual([]);
      const [{ lease }] = await store.rows(
        'SELECT max(extract(epoch FROM due_at - now()))::float AS lease FROM outbox',
      );
      expect(lease).toBeCloseTo(10, -1);
      await orphan();
      expect(await store.outbox.takeDue(10)).toHaveLength(3);
    });

    it('takes the longest due first, up to the limit', async () => {
      const bells = await submit(3);
      await store.rows(`UPDATE outbox SET due_at = now() - id * interval '1 second'`);
      const newest = bells.sort((a, b) => Number(b.id) - Number(a.id)).slice(0, 2);
      expect(await store.outbox.takeDue(2)).toEqual(newest.reverse());
    });

    it('deletes exactly the rows it is told to, and minds none that is gone', async () => {
      const [first, second, third] = await submit(3);
      await store.outbox.delete([first!.id, second!.id]);
      await store.outbox.delete([first!.id]);
      expect(await rows()).toEqual([{ id: third!.id }]);
    });
  });

  describe('the relay', () => {
    it('publishes what was just written and deletes the rows', async () => {
      const bells = await submit(3);
      relay.ring(...bells);
      await until('the outbox is empty', async () => (await rows()).length === 0);
      expect(client.published).toEqual(expect.arrayContaining(messages(bells)));
      expect(client.published).toHaveLength(3);
    });

    it.each(['away', 'failing'] as const)('leaves the rows when the transport is %s', async (how) => {
      const bells = await submit(2);
      client[how] = true;
      relay.ring(...bells);
      await relay.beforeApplicationShutdown();
      expect(await rows()).toHaveLength(2);
    });

    it('publishes what was written before the transport was there once it is, without any poller', async () => {
      const bells = await submit(3);
      await store.rows(`UPDATE outbox SET due_at = now() + interval '1 hour'`);
      client.failing = true;
      const background = inBackground();
      relay.ring(...bells);
      await until('each was refused', () => client.refused >= 3);
      client.failing = false;
      await until('the outbox is empty', async () => (await rows()).length === 0);
      expect(client.published).toEqual(expect.arrayContaining(messages(bells)));
      expect(client.published).toHaveLength(3);
      await background.onModuleDestroy();
    });

    it('publishes what a writer left behind', async () => {
      const bells = await submit(3);
      await orphan();
      expect(await relay.publishOrphans()).toBe(3);
      expect(client.published).toEqual(expect.arrayContaining(messages(bells)));
      expect(await rows()).toEqual([]);
      expect(await relay.publishOrphans()).toBe(0);
    });

    it('takes no row while the transport is away, so that all are there at once when it is back', async () => {
      await submit(3);
      await orphan();
      client.away = true;
      expect(await relay.publishOrphans()).toBe(0);
      client.away = false;
      expect(await relay.publishOrphans()).toBe(3);
      expect(await rows()).toEqual([]);
    });

    it('leaves the rows that the transport did not take to a later look', async () => {
      await submit(3);
      await orphan();
      client.failing = true;
      await relay.publishOrphans();
      expect(await rows()).toHaveLength(3);
      await orphan();
      client.failing = false;
      expect(await relay.publishOrphans()).toBe(3);
      expect(await rows()).toEqual([]);
    });

    it('looks for orphans by itself from the start of the process on', async () => {
      await submit(1);
      await orphan();
      const background = inBackground({ OUTBOX_POLL_MS: '50' });
      await until('the outbox is empty', async () => (await rows()).length === 0);
      await background.onModuleDestroy();
    });

    it('waits for what it is publishing when the process stops', async () => {
      const bells = await submit(50);
      relay.ring(...bells);
      await relay.beforeApplicationShutdown();
      expect(client.published).toHaveLength(50);
      expect(await rows()).toEqual([]);
    });

    it('delivers through the in-process transport', async () => {
      const transport = createTransport();
      const server = transport.createServer({ queue: 'inference', concurrency: 1, graceMs: 1000 });
      const handled: unknown[] = [];
      server.addHandler(InferenceRequested.pattern, (data) => Promise.resolve(handled.push(data)), true);
      void server.listen(() => undefined);
      const [bell] = await submit(1);
      relay = new OutboxRelay(store.outbox, transport.client as never);
      relay.ring(bell!);
      await until('it was handled', () => handled.length === 1);
      expect(handled).toEqual([{ jobId: bell!.jobId }]);
      await server.close();
    });
  });
});
