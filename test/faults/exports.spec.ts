import { readFileSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  createClient,
  createTestDatabase,
  startService,
  testAmqpUrl,
  until,
  type ServiceProcess,
  type TestDatabase,
} from '@hitl/testing';

/** How much more than at rest, which differs between versions of Node. */
const MAX_MEGABYTES = 70;
/** Node keeps more garbage of large buffers before it collects any. */
const MAX_LARGE = 140;
const DECISIONS = 200_000;
const VOTES_PER_JOB = 200;
const LARGE_JOBS = 60;

/** `$1` jobs with payloads of `$2` bytes that `ann` has edited. */
const EDITED = `WITH made AS MATERIALIZED (
  SELECT gen_random_uuid() AS id, n, to_json('edited ' || n) AS response FROM generate_series(1, $1) n
), job AS (
  INSERT INTO jobs (id, status, payload, response, model_response, edited, revision, finished_at)
  SELECT id, 'success', to_json('asked ' || n || repeat(md5(n::text), $2 / 32)), response, '"said"', true, 2, now() - n * interval '1 s' FROM made
)
INSERT INTO decisions (id, job_id, revision, verdict, actor, released_revision, released_hash, created_at)
SELECT gen_random_uuid(), id, 1, 'edit', 'ann', 2, hitl_content_hash(response), now() - n * interval '1 s' FROM made`;

/** `$1` votes on each of them. */
const VOTES = `INSERT INTO decisions (id, job_id, revision, verdict, actor, reason, final, created_at)
  SELECT gen_random_uuid(), id, 1, 'approve', 'voter ' || n, repeat('because ', 20), false, finished_at - n * interval '1 ms'
  FROM jobs CROSS JOIN generate_series(1, $1) n`;

describe('an export', () => {
  let database: TestDatabase;
  let gateway: ServiceProcess;
  let atRest: number;

  beforeAll(async () => {
    database = await createTestDatabase();
    gateway = await startService('gateway', {
      DATABASE_URL: database.url,
      AMQP_URL: testAmqpUrl(),
      // Garbage is collected early, so that the memory of the process tells what it needs.
      NODE_OPTIONS: '--max-old-space-size=128 --max-semi-space-size=4',
    });
    expect((await createClient(gateway.url).get('/health/ready')).status).toBe(200);
    atRest = resident();
  });

  beforeEach(() => database.query('TRUNCATE jobs, decisions CASCADE'));

  afterAll(async () => {
    await gateway.stop();
    await database.drop();
  });

  /** How much more memory than at rest the gateway has. */
  const megabytes = (): number => resident() - atRest;
  const resident = (): number =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8'))![1]) / 1024;

  /** Begins an export, and reads nothing of it yet. */
  const open = (name: string): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      request(`${gateway.url}/v1/exports/${name}`, { agent: false }, resolve).on('error', reject).end();
    });

  /** Reads it to its end: how many lines it has, and how much it took at most. */
  async function read(response: IncomingMessage): Promise<{ lines: number; most: number }> {
    let lines = 0;
    let most = 0;
    for await (const chunk of response) {
      for (const byte of chunk as Buffer) if (byte === 10) lines += 1;
      most = Math.max(most, megabytes());
    }
    return { lines, most };
  }

  it(`of ${DECISIONS} decisions takes less than ${MAX_MEGABYTES} MB more`, async () => {
    await database.query(EDITED, [DECISIONS / VOTES_PER_JOB, 32]);
    await database.query(VOTES, [VOTES_PER_JOB - 1]);
    const { lines, most } = await read(await open('decisions.csv'));
    expect(lines).toBe(DECISIONS + 1);
    expect(most).toBeLessThan(MAX_MEGABYTES);
  });

  it('of 5000 corrections takes no more', async () => {
    await database.query(EDITED, [5_000, 1024]);
    const { lines, most } = await read(await open('preferences.jsonl'));
    expect(lines).toBe(5_000);
    expect(most).toBeLessThan(MAX_MEGABYTES);
  });

  it('of payloads of a megabyte waits for a client that does not read, with nothing open in the database', async () => {
    await database.query(EDITED, [LARGE_JOBS, 1_000_000]);
    const response = await open('preferences.jsonl');
    const idle = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'`;
    let asked = '';
    await until('the gateway asks for no more', async () => {
      const before = asked;
      const rows = await database.query<{ asked: string }>(
        `SELECT max(query_start)::text AS asked FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%asked%' AND pid <> pg_backend_pid()`,
      );
      asked = rows[0]!.asked;
      return asked !== '' && asked === before && (await database.query(idle)).length === 0;
    });
    expect(megabytes()).toBeLessThan(MAX_LARGE);
    const { lines, most } = await read(response);
    expect(lines).toBe(LARGE_JOBS);
    expect(most).toBeLessThan(MAX_LARGE);
  });

  it('that breaks off cuts the connection, so that a part is not taken for the whole', async () => {
    await database.query(EDITED, [LARGE_JOBS, 1_000_000]);
    const response = await open('sft.jsonl');
    await database.query('ALTER TABLE jobs RENAME TO lost');
    try {
      await expect(read(response)).rejects.toThrow('aborted');
    } finally {
      await database.query('ALTER TABLE lost RENAME TO jobs');
    }
    const line = await until('the gateway says so', () =>
      gateway.logs.find((text) => text.includes('an export was cut')),
    );
    expect(line).not.toContain('asked 1');
    expect((await createClient(gateway.url).get('/health/ready')).status).toBe(200);
  });

  it('that cannot begin is answered as any other refusal', async () => {
    await database.query('ALTER TABLE jobs RENAME TO lost');
    const { status, headers, body } = await createClient(gateway.url).get('/v1/exports/sft.jsonl');
    await database.query('ALTER TABLE lost RENAME TO jobs');
    expect([status, body.code]).toEqual([503, 'unavailable']);
    expect(headers.get('content-disposition')).toBeNull();
  });

  it('is refused while four are under way, until one of their clients goes', async () => {
    await database.query(EDITED, [LARGE_JOBS, 1_000_000]);
    const http = createClient(gateway.url);
    const open4 = await Promise.all(Array.from({ length: 4 }, () => open('sft.jsonl')));
    const { status, headers, body } = await http.get('/v1/exports/decisions.csv');
    expect([status, body.code, headers.get('retry-after')]).toEqual([503, 'too_many_exports', '2']);
    open4[0]!.destroy();
    await until('there is room', async () => (await http.get('/v1/exports/decisions.csv')).status === 200);
    for (const response of open4) response.destroy();
  });
});
