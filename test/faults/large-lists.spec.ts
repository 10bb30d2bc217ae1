import { readFileSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  createClient,
  createTestDatabase,
  startService,
  testAmqpUrl,
  type ServiceProcess,
  type TestDatabase,
} from '@hitl/testing';

const MIB = 1_048_576;
/** Of 1 MiB each. */
const JOBS = 40;
const READERS = 6;
/** What a pod has. */
const MOST_MEGABYTES = 512;

/** `$1` jobs with payloads of `$2` bytes that wait for a human. */
const WAITING = `INSERT INTO jobs (id, status, payload, response, revision, waiting_since, planned_at)
  SELECT gen_random_uuid(), 'human', to_json(repeat(md5(n::text), $2 / 32)), '"x"', 1, now(), now() FROM generate_series(1, $1) n`;

describe('lists of large jobs', () => {
  let database: TestDatabase;
  let gateway: ServiceProcess;

  beforeAll(async () => {
    database = await createTestDatabase();
    gateway = await startService('gateway', {
      DATABASE_URL: database.url,
      AMQP_URL: testAmqpUrl(),
      NODE_OPTIONS: '--max-old-space-size=256',
    });
    await database.query(WAITING, [JOBS, MIB]);
  });

  afterAll(async () => {
    await gateway.stop();
    await database.drop();
  });

  const peakMegabytes = (): number =>
    Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8'))![1]) / 1024;

  /** Begins to read a list, and reads nothing of it. */
  const open = (path: string): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      request(`${gateway.url}${path}`, { agent: false }, resolve).on('error', reject).end();
    });

  async function size(path: string): Promise<number> {
    let bytes = 0;
    for await (const chunk of await open(path)) bytes += (chunk as Buffer).length;
    return bytes;
  }

  /** The jobs of each page. */
  async function pages(path: string): Promise<number[]> {
    const counts: number[] = [];
    for (let cursor = ''; ;) {
      const { body } = await createClient(gateway.url).get(`${path}?limit=200${cursor}`);
      counts.push(body.data.length);
      if (!body.has_more) return counts;
      cursor = `&cursor=${body.next_cursor}`;
    }
  }

  it(`read by ${READERS} clients at once, and by one that reads nothing, take less than ${MOST_MEGABYTES} MB`, async () => {
    const unread = await open(`/jobs?limit=${JOBS}`);
    const sizes = await Promise.all(Array.from({ length: READERS }, () => size(`/jobs?limit=${JOBS}`)));
    for (const bytes of sizes) expect(bytes).toBeGreaterThan(JOBS * MIB);
    expect(unread.statusCode).toBe(200);
    unread.destroy();
    expect(peakMegabytes()).toBeLessThan(MOST_MEGABYTES);
  });

  it.each(['/v1/jobs', '/v1/reviews'])('end pages of %s early, and leave nobody out', async (path) => {
    const all = await Promise.all(Array.from({ length: READERS }, () => pages(path)));
    for (const counts of all) {
      expect(Math.max(...counts)).toBe(7);
      expect(counts.reduce((sum, count) => sum + count)).toBe(JOBS);
    }
    expect(peakMegabytes()).toBeLessThan(MOST_MEGABYTES);
  });
});
