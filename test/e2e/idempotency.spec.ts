import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startStack, until, type Stack } from '@hitl/testing';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack('services');
});
afterAll(() => stack.stop());

describe('the Idempotency-Key', () => {
  const post = (path: string, key: string, body: unknown) =>
    stack.http.post(path, body, { 'idempotency-key': key });

  it('answers the same job to the same request', async () => {
    const first = await post('/v1/jobs', 'a', { payload: { input: 1 } });
    const second = await post('/v1/jobs', 'a', { payload: { input: 1 } });
    expect(second.status).toBe(202);
    expect(second.body.id).toBe(first.body.id);
    expect(first.headers.get('idempotency-replayed')).toBeNull();
    expect(second.headers.get('idempotency-replayed')).toBe('true');
  });

  it('refuses another request with 422, and stores nothing', async () => {
    const { body } = await post('/v1/jobs', 'b', { payload: { input: 1 } });
    const other = await post('/v1/jobs', 'b', { payload: { input: 2 } });
    expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_conflict' } });
    const newest = (await stack.http.get('/v1/jobs?limit=1')).body.data[0];
    expect(newest.id).toBe(body.id);
  });

  it('belongs to one door', async () => {
    await post('/v1/jobs', 'c', { payload: { input: 1 } });
    expect((await post('/enqueue', 'c', { payload: { input: 1 } })).status).toBe(422);
  });

  it('works on the original door, too', async () => {
    const first = await post('/enqueue', 'd', { input: 1 });
    expect((await post('/enqueue', 'd', { input: 1 })).body).toEqual(first.body);
  });

  it('makes one job of fifty requests at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => post('/v1/jobs', 'e', { payload: { input: 'at once' } })),
    );
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(answers.filter(({ headers }) => headers.get('idempotency-replayed') === null)).toHaveLength(1);
  });

  it('must be 1 to 255 visible characters', async () => {
    expect((await post('/v1/jobs', 'x'.repeat(256), { payload: 1 })).status).toBe(400);
    expect((await post('/v1/jobs', 'two words', { payload: 1 })).status).toBe(400);
  });
});

describe('too many jobs', () => {
  const count = async (where: string): Promise<number> =>
    (await stack.database.query<{ count: number }>(`SELECT count(*)::int FROM jobs ${where}`))[0]!.count;

  beforeAll(async () => {
    await until('no job waits for the model', async () => (await count(`WHERE status = 'bot'`)) === 0);
    stack.stub.answer = () => 'hang';
    await stack.restart('gateway', { MAX_WAITING_JOBS: '5' });
  });

  it('are refused with 503 and Retry-After before anything is stored', async () => {
    const before = await count('');
    const answers = [];
    for (let index = 0; index < 8; index += 1) {
      answers.push(await stack.http.post('/v1/jobs', { payload: { input: index } }));
    }
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202, 202, 503, 503, 503]);
    expect(answers.at(-1)?.body.code).toBe('too_many_jobs');
    expect(Number(answers.at(-1)?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await count('')).toBe(before + 5);
  });
});
