import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { testAmqpUrl, until, type ServiceProcess } from '@hitl/testing';
import { connect } from 'amqplib';
import pg from 'pg';
import {
  abortedCalls,
  DEADLINE,
  decide,
  expectInferredOnce,
  statuses,
  submit,
  submitMany,
  takes,
  TEST_DEADLINE,
  useSystem,
} from './support';

const system = useSystem({ each: true });

/** The jobs whose messages wait in a queue; they stay there. */
async function queuedIn(queue: string): Promise<string[]> {
  const connection = await connect(testAmqpUrl());
  const channel = await connection.createChannel();
  const found: string[] = [];
  for (let message = await channel.get(queue); message; message = await channel.get(queue)) {
    found.push((JSON.parse(message.content.toString()) as { data: { jobId: string } }).data.jobId);
  }
  await connection.close();
  return found;
}

describe('a worker that is told to stop', () => {
  it(
    'finishes the calls it has in hand, leaves the other jobs untouched, and exits with 0',
    async () => {
      const { stub } = system;
      stub.answer = takes(500);
      const [gateway, worker] = await Promise.all([
        system.start('gateway'),
        system.start('inference-worker', { WORKER_CONCURRENCY: '10' }),
      ]);
      const ids = await submitMany(40, gateway);
      await until('its hands are full', () => stub.requests.length >= 10, DEADLINE);
      expect(await worker.stop()).toBe(0);

      const begun = stub.requests.length;
      expect(begun).toBeLessThan(ids.length);
      expect(abortedCalls(stub)).toBe(0);
      expect(await statuses(system.database, ids)).toEqual({ human: begun, bot: ids.length - begun });
      await until('all bells have rung', async () => {
        return (await system.database.query('SELECT id FROM outbox')).length === 0;
      });
      // Only what it never touched is left for others: what it finished, it has acknowledged.
      const untouched = await system.database.query<{ id: string }>('SELECT id FROM jobs WHERE attempts = 0');
      const queued = await queuedIn('hitl.inference');
      expect(queued.sort()).toEqual(untouched.map(({ id }) => id).sort());

      await system.startAll('inference-worker', 'review-service');
      await expectInferredOnce(system.database, ids);
      expect(stub.requests).toHaveLength(ids.length);
      expect(system.deaths()).toEqual([]);
    },
    TEST_DEADLINE,
  );
});

describe('with requests in flight', () => {
  let lock: pg.Client;

  beforeEach(async () => {
    lock = new pg.Client(system.database.url);
    await lock.connect();
  });
  afterEach(() => lock.end());

  /** Until the lock is released nothing can be written to jobs: whoever wants to, has its request in flight. */
  async function holdBack(): Promise<void> {
    await lock.query('BEGIN; LOCK TABLE jobs IN SHARE MODE');
  }
  const heldBack = (text: string): Promise<unknown> =>
    until(
      `a statement waits: ${text}`,
      async () => {
        const rows = await system.database.query(
          `SELECT 1 FROM pg_stat_activity
           WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%' || $1 || '%'`,
          [text],
        );
        return rows.length > 0;
      },
      DEADLINE,
    );
  const stopping = (service: ServiceProcess): Promise<unknown> =>
    until('it stops', () => service.logs.some((line) => line.includes('"msg":"stopping')), DEADLINE);

  it(
    'a gateway that is told to stop answers them, takes no new ones, and exits with 0',
    async () => {
      const [gateway] = await system.startAll('gateway', 'review-service', 'inference-worker');
      const [waiting] = await submitMany(1, gateway);
      await until(
        'it waits for a human',
        async () => (await statuses(system.database, [waiting!])).human,
        DEADLINE,
      );

      await holdBack();
      const submission = submit(gateway);
      const decision = decide(gateway, waiting!, { verdict: 'approve' });
      await heldBack('INSERT INTO jobs (');
      await heldBack('AS status_after');
      const exit = gateway.stop();
      await stopping(gateway);
      await until(
        'newcomers are refused',
        () =>
          submit(gateway).then(
            () => false,
            () => true,
          ),
        DEADLINE,
      );
      await lock.query('COMMIT');

      const accepted = await submission;
      expect(accepted.status).toBe(202);
      // A connection that the client keeps alive would hold the process for a minute.
      expect(accepted.headers.get('connection')).toBe('close');
      expect(await decision).toMatchObject({ status: 200, body: { status: 'success' } });
      expect(await exit).toBe(0);
      await until(
        'the accepted job is done',
        async () => {
          return (await statuses(system.database, [accepted.body.id])).human;
        },
        DEADLINE,
      );
      expect(system.deaths()).toEqual([]);
    },
    TEST_DEADLINE,
  );

  it(
    'a gateway waits no longer than SHUTDOWN_GRACE_MS for one that never comes to its end',
    async () => {
      const gateway = await system.start('gateway', { SHUTDOWN_GRACE_MS: '200' });
      const { hostname, port } = new URL(gateway.url);
      const socket = connectTcp(Number(port), hostname);
      const ended = once(socket, 'close');
      socket.write('POST /v1/jobs HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n');
      socket.write('expect: 100-continue\r\ncontent-length: 1000\r\n\r\n{');
      // The server asks for the body: it has begun with the request.
      await once(socket, 'data');
      expect(await gateway.stop()).toBe(0);
      await ended;
    },
    TEST_DEADLINE,
  );

  it(
    'a review service that is told to stop decides what it was asked, and exits with 0',
    async () => {
      const [gateway, reviews] = await system.startAll('gateway', 'review-service', 'inference-worker');
      const [id] = await submitMany(1, gateway);
      await until(
        'it waits for a human',
        async () => (await statuses(system.database, [id!])).human,
        DEADLINE,
      );

      await holdBack();
      const decision = decide(gateway, id!, { verdict: 'approve' });
      await heldBack('AS status_after');
      const exit = reviews.stop();
      await stopping(reviews);
      await lock.query('COMMIT');

      expect(await decision).toMatchObject({ status: 200, body: { status: 'success' } });
      expect(await exit).toBe(0);
      expect(system.deaths()).toEqual([]);
    },
    TEST_DEADLINE,
  );

  it.each(['gateway', 'inference-worker', 'review-service'] as const)(
    'a %s that is told to stop says with each 503 when to come again',
    async (app) => {
      const service = await system.start(app);
      await holdBack();
      // The probe, and what came behind it on the same connection.
      const { hostname, port } = new URL(service.url);
      const socket = connectTcp(Number(port), hostname);
      const probe = 'GET /health/ready HTTP/1.1\r\nhost: localhost\r\n\r\n';
      let text = '';
      socket.on('data', (bytes) => (text += bytes.toString())).write(probe.repeat(2));
      const ended = once(socket, 'close');
      await heldBack('INSERT INTO jobs (');
      const exit = service.stop();
      await stopping(service);
      await ended;
      await lock.query('COMMIT');
      expect(await exit).toBe(0);
      const heads = text.split('\r\n\r\n').filter((head) => head.includes('HTTP/1.1 '));
      expect(heads.length).toBeGreaterThan(0);
      for (const head of heads) expect(head).toMatch(/HTTP\/1\.1 503 .*\r\n(.+\r\n)*retry-after: [1-9]/i);
    },
    TEST_DEADLINE,
  );
});
