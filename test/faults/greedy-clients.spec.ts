import { readFileSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import {
  createClient,
  createTestDatabase,
  onThisMachine,
  p99,
  startLightClient,
  startService,
  testAmqpUrl,
  until,
  type Client,
  type LightClient,
  type ServiceProcess,
  type TestDatabase,
} from '@hitl/testing';
import { TEST_DEADLINE } from './support';

const MIB = 1_048_576;
/** A little more than gateways were seen to fill on a busy machine, 430 with Node 20 and 502 with Node 24; a pod has 864 beside its sandbox. */
const MAX_MEGABYTES = 640;
/**
 * Others may take three times as long as without greedy clients, or as those whose gateway has none, which have the same
 * machine and database; or this long, in milliseconds, on a machine that has nothing else to do.
 */
const NOISE_MS = 300;
/** Requests of others while there are greedy clients, and half as many before and after. */
const LOOKS = 120;
/** Of 1 MiB each. */
const LARGE_JOBS = 40;
const READERS = 6;
const MAX_STREAMS = 100;
const MAX_HOLDS = 40;
/** Of one job, and of one body; a little less than may be. */
const HUGE = 20 * MIB - 1000;

/** `$1` jobs with payloads of `$2` bytes that wait for a human. */
const WAITING = `INSERT INTO jobs (id, status, payload, response, revision, waiting_since, planned_at)
  SELECT gen_random_uuid(), 'human', to_json(repeat(md5(n::text), $2 / 32)), '"x"', 1, now(), now() FROM generate_series(1, $1) n`;

describe('clients that take all they can get', () => {
  let database: TestDatabase;
  let gateway: ServiceProcess;
  let otherGateway: ServiceProcess;
  let http: Client;
  let others: LightClient;
  let othersElsewhere: LightClient;
  const sockets: Socket[] = [];

  beforeAll(async () => {
    database = await createTestDatabase();
    const services = { DATABASE_URL: database.url, AMQP_URL: testAmqpUrl() };
    [gateway, otherGateway] = await Promise.all([
      startService('gateway', {
        ...services,
        MAX_STREAMS_PER_CALLER: String(MAX_STREAMS),
        MAX_HOLDS_PER_CALLER: String(MAX_HOLDS),
        NODE_OPTIONS: '--max-old-space-size=256',
      }),
      startService('gateway', services),
    ]);
    http = createClient(gateway.url);
    const headers = { 'content-type': 'application/json' };
    const body = '{"payload":{"input":"x"}}';
    [others, othersElsewhere] = [gateway, otherGateway].map(({ url }) =>
      startLightClient(url, [{ method: 'POST', path: '/v1/jobs', headers, body, status: 202 }]),
    ) as [LightClient, LightClient];
    await database.query(WAITING, [LARGE_JOBS, MIB]);
  });

  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
  });

  afterAll(async () => {
    await Promise.all([others.stop(), othersElsewhere.stop()]);
    await Promise.all([gateway.stop(), otherGateway.stop()]);
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

  /** Others are served about as fast until the greed is over as before and after, or as at another gateway meanwhile. */
  async function expectUndisturbed(greed: () => Promise<unknown>): Promise<void> {
    const quiet = await others.during(LOOKS / 2);
    const work = greed();
    const [disturbed, elsewhere] = await Promise.all([
      others.during(LOOKS, work),
      othersElsewhere.during(LOOKS, work),
    ]);
    quiet.push(...(await others.during(LOOKS / 2)));
    const [now, before, there] = [p99(disturbed), p99(quiet), p99(elsewhere)];
    expect(now).toBeLessThan(Math.max(onThisMachine(NOISE_MS), 3 * before, 3 * there));
  }

  /** Posts a whole body on a connection of its own. */
  function post(path: string, body: string | Buffer, headers: string[] = []) {
    const head = [
      `POST ${path} HTTP/1.1`,
      'host: localhost',
      'content-type: application/json',
      `content-length: ${Buffer.byteLength(body)}`,
      ...headers,
    ];
    return talk(Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), Buffer.from(body)]));
  }

  const statusOf = ({ text }: { text: string }): number => Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]);

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

  it(`read large lists, ${READERS} at once and one that reads nothing, in less than ${MAX_MEGABYTES} MB`, async () => {
    const unread = await begin(`/jobs?limit=${LARGE_JOBS}`);
    const sizes = await Promise.all(Array.from({ length: READERS }, () => size(`/jobs?limit=${LARGE_JOBS}`)));
    for (const bytes of sizes) expect(bytes).toBeGreaterThan(LARGE_JOBS * MIB);
    expect(unread.statusCode).toBe(200);
    unread.destroy();
    expect(peakMegabytes()).toBeLessThan(MAX_MEGABYTES);
  });

  it.each(['/v1/jobs', '/v1/reviews'])(
    'get pages of %s that end early, and leave nobody out',
    async (path) => {
      const all = await Promise.all(Array.from({ length: READERS }, () => pages(path)));
      for (const counts of all) {
        expect(Math.max(...counts)).toBe(7);
        expect(counts.reduce((sum, count) => sum + count)).toBe(LARGE_JOBS);
      }
      expect(peakMegabytes()).toBeLessThan(MAX_MEGABYTES);
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
      await expectUndisturbed(() => Promise.resolve());
      await until('each has all events', () =>
        streams.every(({ text }) => text.split('event: submitted').length > LOOKS),
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
      const list = `GET /jobs?limit=${LARGE_JOBS} HTTP/1.1\r\nhost: localhost\r\n\r\n`.repeat(50);
      await expectUndisturbed(() => {
        for (let connection = 0; connection < 20; connection += 1) open(list).socket.pause();
        return Promise.resolve();
      });
      expect(peakMegabytes()).toBeLessThan(MAX_MEGABYTES);
    },
    TEST_DEADLINE,
  );

  it(
    'fill no memory with bodies that they do not finish',
    async () => {
      const size = 15 * MIB;
      const head = `POST /v1/jobs HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${size}\r\n\r\n`;
      const body = Buffer.concat([Buffer.from(head), Buffer.alloc(size - 1, ' ')]);
      await expectUndisturbed(async () => {
        const bodies = Array.from({ length: 20 }, () => talk(body));
        await until(
          'all are refused',
          () => bodies.every(({ text }) => /^HTTP\/1\.1 (408|503) /.test(text)),
          60_000,
        );
      });
      expect(peakMegabytes()).toBeLessThan(MAX_MEGABYTES);
      expect((await http.post('/v1/jobs', { payload: 'x'.repeat(5 * MIB) })).status).toBe(202);
    },
    TEST_DEADLINE,
  );

  it(
    'fill no memory with bodies that are larger than they look',
    async () => {
      const bodies = [
        `{"payload":[${'{},'.repeat(HUGE / 3)}{}]}`,
        `{"payload":[${'"",'.repeat(HUGE / 3)}""]}`,
        `{"payload":{${Array.from({ length: 1_000_000 }, (_, n) => `"${n.toString(36).padStart(7, '_')}":1`).join()}}}`,
        // As much as is let in.
        `{"payload":["",${'1.5,'.repeat(HUGE / 4)}1]}`,
        `{"payload":{${Array.from({ length: 490_000 }, (_, n) => `"${n.toString(36).padStart(7, '_')}":""`).join()}}}`,
      ].map((body) => post('/v1/jobs', body));
      const bomb = gzipSync(`{"payload":"${'x'.repeat(HUGE)}"}`);
      await expectUndisturbed(async () => {
        for (let count = 0; count < 100; count += 1)
          bodies.push(post('/v1/jobs', bomb, ['content-encoding: gzip']));
        await until('all are answered', () => bodies.every((body) => statusOf(body) > 0), 60_000);
      });
      for (const body of bodies) expect([202, 400, 413, 503]).toContain(statusOf(body));
      expect(peakMegabytes()).toBeLessThan(MAX_MEGABYTES);
    },
    TEST_DEADLINE,
  );

  it(
    'fill no memory with large bodies side by side',
    async () => {
      let bodies: ReturnType<typeof post>[] = [];
      const large = JSON.stringify({ payload: 'x'.repeat(HUGE) });
      await expectUndisturbed(async () => {
        bodies = Array.from({ length: 20 }, () => post('/v1/jobs', large));
        await until('all are answered', () => bodies.every((body) => statusOf(body) > 0), 60_000);
      });
      for (const body of bodies) expect([202, 503]).toContain(statusOf(body));
      expect(bodies.some((body) => statusOf(body) === 202)).toBe(true);
      expect(peakMegabytes()).toBeLessThan(MAX_MEGABYTES);
    },
    TEST_DEADLINE,
  );

  it(
    'take no room for bodies when they have gone',
    async () => {
      const [{ id }]: any = await database.query(`SELECT id FROM jobs WHERE status = 'human' LIMIT 1`);
      const edit = JSON.stringify({ verdict: 'edit', response: 'x'.repeat(10 * MIB) });
      for (let count = 0; count < 12; count += 1) {
        // Nobody answers: there is no review service.
        const { socket } = post(`/v1/reviews/${id}/decision`, edit, ['if-match: "1"']);
        await until('it is sent', () => socket.writableLength === 0 && socket.bytesWritten > edit.length);
        socket.destroy();
      }
      await until('there is room', async () => {
        const { status } = await http.post('/v1/jobs', { payload: 'x'.repeat(15 * MIB) });
        return status === 202;
      });
    },
    TEST_DEADLINE,
  );

  it(
    'fill no memory with large jobs that they read side by side',
    async () => {
      const { body: job } = await http.post('/v1/jobs', { payload: 'x'.repeat(HUGE) });
      const get = `GET /v1/jobs/${job.id} HTTP/1.1\r\nhost: localhost\r\n\r\n`;
      let answered: number[] = [];
      await expectUndisturbed(async () => {
        const sizes = Array.from({ length: 60 }, async () => {
          const response = await fetch(`${gateway.url}/v1/jobs/${job.id}`);
          const { byteLength } = await response.arrayBuffer();
          return response.status === 200 ? byteLength : -response.status;
        });
        for (let count = 0; count < 50; count += 1) open(get).socket.pause();
        answered = await Promise.all(sizes.map((size) => size.catch(() => 0)));
      });
      expect(answered.some((bytes) => bytes > HUGE)).toBe(true);
      for (const bytes of answered) expect(bytes > HUGE || bytes === -503 || bytes === 0).toBe(true);
      expect(peakMegabytes()).toBeLessThan(MAX_MEGABYTES);
    },
    TEST_DEADLINE,
  );

  it(
    'fill no memory with what they are held for, and are held so often only',
    async () => {
      const content = 'x'.repeat(7 * MIB);
      const held = Array.from({ length: MAX_HOLDS }, (_, index) =>
        index % 2 === 0
          ? { path: '/v1/jobs', headers: ['prefer: wait=500'], body: { payload: { index, content } } }
          : {
              path: '/v1/chat/completions',
              headers: [],
              body: { model: `m${index}`, messages: [{ role: 'user', content }] },
            },
      );
      const jobs = async (): Promise<number> => {
        const [{ count }]: any = await database.query('SELECT count(*)::int FROM jobs');
        return Number(count);
      };
      const before = await jobs();
      for (const [index, { path, headers, body }] of held.entries()) {
        post(path, JSON.stringify(body), headers);
        await until('it is stored', async () => (await jobs()) > before + index);
      }
      expect(peakMegabytes()).toBeLessThan(MAX_MEGABYTES);
      const chat = { model: 'm', messages: [{ role: 'user', content: 'x' }] };
      const refused = await http.post('/v1/chat/completions', chat);
      expect([refused.status, refused.body.error]).toMatchObject([
        429,
        { code: 'too_many_holds', type: 'rate_limit_error' },
      ]);
      expect(refused.headers.get('x-should-retry')).toBe('true');
      expect(Number(refused.headers.get('retry-after'))).toBeLessThan(60);
      const waiting = await http.post('/v1/jobs', { payload: 1 }, { prefer: 'wait=5' });
      expect([waiting.status, waiting.body.code]).toEqual([429, 'too_many_holds']);
      expect((await http.post('/v1/responses', { model: 'm', input: 'x', background: true })).status).toBe(
        200,
      );
      await expectUndisturbed(() => Promise.resolve());
      sockets.pop()!.destroy();
      await until('another one is held', async () => {
        const next = post('/v1/jobs', '{"payload":1}', ['prefer: wait=1']);
        await until('an answer', () => statusOf(next) > 0);
        return statusOf(next) === 202;
      });
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
