import { readFileSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import {
  createClient,
  createTestDatabase,
  startService,
  testAmqpUrl,
  until,
  type Client,
  type ServiceProcess,
  type TestDatabase,
} from '@hitl/testing';
import { TEST_DEADLINE } from './support';

const MIB = 1_048_576;
/** What a pod has. */
const MOST_MEGABYTES = 512;
/** A neighbour may take three times as long as without greedy clients, or this long where that is less, in milliseconds. */
const MOST_MS = 1000;
const PROBES = 40;
/** Of 1 MiB each. */
const LARGE_JOBS = 40;
const READERS = 6;
const MAX_STREAMS = 100;

/** `$1` jobs with payloads of `$2` bytes that wait for a human. */
const WAITING = `INSERT INTO jobs (id, status, payload, response, revision, waiting_since, planned_at)
  SELECT gen_random_uuid(), 'human', to_jsonb(repeat(md5(n::text), $2 / 32)), '"x"', 1, now(), now() FROM generate_series(1, $1) n`;

describe('clients that take all they can get', () => {
  let database: TestDatabase;
  let gateway: ServiceProcess;
  let http: Client;
  const sockets: Socket[] = [];

  beforeAll(async () => {
    database = await createTestDatabase();
    gateway = await startService('gateway', {
      DATABASE_URL: database.url,
      AMQP_URL: testAmqpUrl(),
      MAX_STREAMS_PER_CALLER: String(MAX_STREAMS),
      NODE_OPTIONS: '--max-old-space-size=256',
    });
    http = createClient(gateway.url);
    await database.query(WAITING, [LARGE_JOBS, MIB]);
  });

  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
  });

  afterAll(async () => {
    await gateway.stop();
    await database.drop();
  });

  /** A connection, what came on it so far, and when the server ended it. */
  function open(text: string | Buffer = '') {
    const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1');
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.write(text);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    const connection = { socket, closed, text: '' };
    return connection;
  }

  /** The same, and reads what comes. */
  function talk(text: string | Buffer) {
    const connection = open(text);
    connection.socket.on('data', (bytes: Buffer) => (connection.text += bytes.toString()));
    return connection;
  }

  /** How long the slowest but one of some light requests took, in milliseconds. Each must succeed. */
  async function neighbours(): Promise<number> {
    const times: number[] = [];
    for (let probe = 0; probe < PROBES; probe += 1) {
      const began = performance.now();
      const { status } = await http.post('/v1/jobs', { payload: { input: 'x' } });
      times.push(performance.now() - began);
      expect(status).toBe(202);
      await delay(10);
    }
    return times.sort((a, b) => a - b).at(-2)!;
  }

  /** Neighbours are served about as fast while the client does it as before. */
  async function expectUndisturbed(greed: () => void | Promise<void>): Promise<void> {
    const quiet = await neighbours();
    await greed();
    const disturbed = await neighbours();
    expect(disturbed).toBeLessThan(Math.max(MOST_MS, 3 * quiet));
  }

  const peakMegabytes = (): number =>
    Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8'))![1]) / 1024;

  /** Begins to read a list, and reads nothing of it. */
  const begin = (path: string): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      request(`${gateway.url}${path}`, { agent: false }, resolve).on('error', reject).end();
    });

  async function size(path: string): Promise<number> {
    let bytes = 0;
    for await (const chunk of await begin(path)) bytes += (chunk as Buffer).length;
    return bytes;
  }

  /** The jobs of each page. */
  async function pages(path: string): Promise<number[]> {
    const counts: number[] = [];
    for (let cursor = ''; ;) {
      const { body } = await http.get(`${path}?limit=200${cursor}`);
      counts.push(body.data.length);
      if (!body.has_more) return counts;
      cursor = `&cursor=${body.next_cursor}`;
    }
  }

  it(`read large lists, ${READERS} at once and one that reads nothing, in less than ${MOST_MEGABYTES} MB`, async () => {
    const unread = await begin(`/jobs?limit=${LARGE_JOBS}`);
    const sizes = await Promise.all(Array.from({ length: READERS }, () => size(`/jobs?limit=${LARGE_JOBS}`)));
    for (const bytes of sizes) expect(bytes).toBeGreaterThan(LARGE_JOBS * MIB);
    expect(unread.statusCode).toBe(200);
    unread.destroy();
    expect(peakMegabytes()).toBeLessThan(MOST_MEGABYTES);
  });

  it.each(['/v1/jobs', '/v1/reviews'])(
    'get pages of %s that end early, and leave nobody out',
    async (path) => {
      const all = await Promise.all(Array.from({ length: READERS }, () => pages(path)));
      for (const counts of all) {
        expect(Math.max(...counts)).toBe(7);
        expect(counts.reduce((sum, count) => sum + count)).toBe(LARGE_JOBS);
      }
      expect(peakMegabytes()).toBeLessThan(MOST_MEGABYTES);
    },
  );

  it(
    'get no more event streams than one may have, and others hear of every event',
    async () => {
      const follow = 'GET /v1/events HTTP/1.1\r\nhost: localhost\r\n\r\n';
      const streams = Array.from({ length: MAX_STREAMS }, () => talk(follow));
      await until('all are open', () => streams.every(({ text }) => text.includes(': follows')));
      const refused = talk(follow);
      await until('one more is refused', () => refused.text.includes('too_many_streams'));
      expect(refused.text).toMatch(/^HTTP\/1\.1 429 .*\r\n(.+\r\n)*retry-after: \d+/i);
      await expectUndisturbed(() => undefined);
      await until('each has all events', () =>
        streams.every(({ text }) => text.split('event: submitted').length > 2 * PROBES),
      );
      streams[0]!.socket.destroy();
      await until('another one may follow now', () => {
        const next = talk(follow);
        return until('an answer', () => next.text !== '').then(() => next.text.includes('200 OK'));
      });
    },
    TEST_DEADLINE,
  );

  it(
    'fill no memory with answers that they do not read',
    async () => {
      await expectUndisturbed(() => {
        for (let connection = 0; connection < 20; connection += 1) {
          const { socket } = open(
            `GET /jobs?limit=${LARGE_JOBS} HTTP/1.1\r\nhost: localhost\r\n\r\n`.repeat(50),
          );
          socket.pause();
        }
      });
      expect(peakMegabytes()).toBeLessThan(MOST_MEGABYTES);
    },
    TEST_DEADLINE,
  );

  it(
    'fill no memory with bodies that they do not finish',
    async () => {
      const size = 15 * MIB;
      const head = `POST /v1/jobs HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${size}\r\n\r\n`;
      const body = Buffer.concat([Buffer.from(head), Buffer.alloc(size - 1, ' ')]);
      let bodies: ReturnType<typeof talk>[] = [];
      await expectUndisturbed(() => {
        bodies = Array.from({ length: 20 }, () => talk(body));
      });
      await until(
        'all are refused',
        () => bodies.every(({ text }) => /^HTTP\/1\.1 (408|503) /.test(text)),
        60_000,
      );
      expect(peakMegabytes()).toBeLessThan(MOST_MEGABYTES);
      expect((await http.post('/v1/jobs', { payload: 'x'.repeat(5 * MIB) })).status).toBe(202);
    },
    TEST_DEADLINE,
  );

  it(
    'are cut off where they do not come to the end of a head',
    async () => {
      const slow = talk('GET /v1/jobs HTTP/1.1\r\nhost: localhost\r\n');
      const writing = setInterval(() => slow.socket.write('x-more: 1\r\n'), 500);
      try {
        await slow.closed;
      } finally {
        clearInterval(writing);
      }
      expect(slow.text).toMatch(/^HTTP\/1\.1 408 /);
    },
    TEST_DEADLINE,
  );
});
