import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startStack, until, type Stack } from '@hitl/testing';
import { readEvents } from './streamed-events';

type Methods = Partial<Record<'get' | 'post' | 'put' | 'delete', object>>;

const { paths } = JSON.parse(readFileSync('openapi.json', 'utf8')) as { paths: Record<string, Methods> };
const KEY = { 'idempotency-key': 'key-of-both' };

/** Every operation on something that its path names, but for models, and for keys, which are no project's. */
const OPERATIONS = Object.entries(paths).flatMap(([path, methods]) =>
  /\{id\}/.test(path) && !/^\/v1\/(models|keys)/.test(path)
    ? Object.keys(methods).map((method): [string, string] => [method.toUpperCase(), path])
    : [],
);
/** What those with a body are sent. */
const BODIES: Record<string, object> = {
  '/v1/reviews/{id}/decision': { verdict: 'approve' },
  '/v1/jobs/{id}/erase': { reason: 'asked for' },
  '/v1/reviews/{id}/notes': { text: 'odd' },
  '/v1/reviews/{id}/draft': { revision: 1, content: {} },
};
/** What needs no such thing: nobody looks at what is not there. */
const WITHOUT = ['DELETE /v1/reviews/{id}/viewers'];

describe('what belongs to another project', () => {
  let stack: Stack;
  let approved: string;
  let waiting: string;
  let endpoint: string;
  let delivery: string;

  beforeAll(async () => {
    stack = await startStack('services');
    ({ id: endpoint } = (
      await stack.http.post('/v1/webhook-endpoints', { url: 'https://hooks.invalid/' }, KEY)
    ).body);
    ({ id: approved } = await stack.submit({ model: 'm', messages: [{ role: 'user', content: 'one' }] }));
    ({ id: waiting } = await stack.submit({ model: 'm', input: 'two' }, {}, KEY));
    for (const id of [approved, waiting]) await stack.reaches(id, 'human');
    await stack.http.put(`/v1/reviews/${waiting}/draft`, { revision: 1, content: { text: 'begun' } });
    await stack.decide(approved, { verdict: 'edit', response: { text: 'edited' } });
    ({ id: delivery } = (await stack.http.get(`/v1/webhook-endpoints/${endpoint}/deliveries`)).body.data[0]);
    // As its own rows would be there.
    for (const table of ['jobs', 'decisions', 'webhook_endpoints']) {
      await stack.database.query(`UPDATE ${table} SET project = 'other'`);
    }
  });

  afterAll(() => stack.stop());

  /** Asks for something of the other project; the answer without what names it. */
  async function ask(method: string, path: string, [job, hook, told]: string[]) {
    const isHook = path.startsWith('/v1/webhook-endpoints');
    const id = `${path.startsWith('/v1/responses') ? 'resp_' : ''}${isHook ? hook : job}`;
    const url = path.replace('{id}', id).replace('{revision}', '1').replace('{deliveryId}', String(told));
    const { status, body } = await stack.http.send(method, url, {
      headers: { 'content-type': 'application/json', 'if-match': '"1"' },
      ...(BODIES[path] && ['POST', 'PUT'].includes(method) && { body: JSON.stringify(BODIES[path]) }),
    });
    return { status, code: body?.code ?? body?.error?.code };
  }

  it.each(OPERATIONS)('is answered as if it were not there: %s %s', async (method, path) => {
    const nothing = [randomUUID(), randomUUID(), randomUUID()];
    const before = await stack.database.query('SELECT * FROM jobs ORDER BY id');
    for (const job of [approved, waiting]) {
      const answer = await ask(method, path, [job, endpoint, delivery]);
      expect(answer).toEqual(await ask(method, path, nothing));
      if (!WITHOUT.includes(`${method} ${path}`)) expect(answer.status).toBe(404);
    }
    expect(await stack.database.query('SELECT * FROM jobs ORDER BY id')).toEqual(before);
  });

  it.each([
    '/v1/jobs',
    '/v1/jobs?status=success',
    '/v1/reviews',
    '/v1/reviews?decidable=true',
    '/v1/review-summaries',
    '/v1/decisions',
    '/v1/webhook-endpoints',
  ])('is not listed at %s', async (path) => {
    const { status, body } = await stack.http.get(path);
    expect({ status, data: body.data, total: body.total ?? 0 }).toEqual({ status: 200, data: [], total: 0 });
  });

  it('is not named to who asks for it by its id in a list', async () => {
    const { body } = await stack.http.get(`/v1/review-summaries?ids=${waiting}`);
    expect(body.data).toEqual([]);
  });

  it('is not told on the original routes', async () => {
    expect((await stack.http.get('/jobs')).body).toEqual([]);
    expect((await stack.http.get(`/job?id=${approved}`)).status).toBe(404);
    for (const status of ['success', 'fail', 'bot', 'human']) {
      expect((await stack.http.post('/reviewJob', { id: waiting, status, response: 1 })).status).toBe(404);
    }
  });

  it('is not exported', async () => {
    for (const name of ['sft.jsonl', 'preferences.jsonl']) {
      expect(await stack.http.get(`/v1/exports/${name}`)).toMatchObject({ status: 200, text: '' });
    }
    expect((await stack.http.get('/v1/exports/decisions.csv')).text.trim().split('\n')).toHaveLength(1);
  });

  it('is not counted', async () => {
    const { body } = await stack.http.get('/v1/stats');
    expect(body).toMatchObject({ waiting: { count: 0 }, decided: 0 });
    expect(JSON.stringify(body)).not.toContain('"m"');
  });

  it('is not claimed as the next one, nor decided with others', async () => {
    expect((await stack.http.post('/v1/reviews/claim-next')).status).toBe(204);
    const decisions = [{ job_id: waiting, verdict: 'approve', revision: 1 }];
    const { body } = await stack.http.post('/v1/reviews/decisions', { decisions });
    expect(body.results).toMatchObject([{ job: null, problem: { code: 'job_not_found' } }]);
  });

  it('is not looked at by a dry run', async () => {
    const policy = 'version: 1\ndefaults: { approvals: 1 }\nrules: []\n';
    const { status, body } = await stack.http.post('/v1/policies/dry-run', { policy });
    expect({ status, jobs: body.jobs }).toEqual({ status: 200, jobs: 0 });
  });

  it('keeps its decision ids to itself: that one is taken is all that is told', async () => {
    const [{ id } = { id: '' }] = await stack.database.query<{ id: string }>('SELECT id FROM decisions');
    const { id: mine } = await stack.submit({ input: 'mine' });
    await stack.reaches(mine, 'human');
    const { status, body } = await stack.decide(mine, { id, verdict: 'approve' });
    expect({ status, code: body.code }).toEqual({ status: 422, code: 'idempotency_conflict' });
    expect(body.detail).not.toContain(approved);
    await stack.decide(mine, { verdict: 'approve' });
  });

  it('leaves its idempotency keys to others', async () => {
    const job = await stack.http.post('/v1/jobs', { payload: { input: 'three' } }, KEY);
    expect(job.status).toBe(202);
    expect(job.headers.get('idempotency-replayed')).toBeNull();
    const hook = await stack.http.post('/v1/webhook-endpoints', { url: 'https://b.invalid/' }, KEY);
    expect(hook.status).toBe(201);
    expect(hook.body.id).not.toBe(endpoint);
    await stack.http.delete(`/v1/webhook-endpoints/${hook.body.id}`);
  });

  it('is not told to those who follow the events, nor who looks at it', async () => {
    const [last] = await stack.database.query<{ id: string; xid: string }>(
      'SELECT id::text, xid::text FROM job_events ORDER BY id DESC LIMIT 1',
    );
    await stack.database.query(
      `INSERT INTO job_events (job_id, type, status, revision, actor) VALUES ($1, 'noted', 'human', 1, 'ann')`,
      [waiting],
    );
    await stack.http.put(`/v1/reviews/${waiting}/viewers`);
    let mine = '';
    const following = readEvents(`${stack.url}/v1/events`, {
      lastEventId: `${last!.xid}-${last!.id}`,
      enough: (events) => events.some(({ data }) => data.job_id === mine),
    });
    ({ id: mine } = await stack.submit({ input: 'four' }));
    const events = await following;
    const told = events.map(({ data }) => data.job_id);
    expect(told).toContain(mine);
    for (const id of [approved, waiting]) expect(told).not.toContain(id);
    await until(
      'it waits',
      async () => (await stack.http.get(`/v1/reviews/${mine}`)).body.status === 'human',
    );
  });
});
