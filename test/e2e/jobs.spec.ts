import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { completion, startStack, until, WAYS, type Stack } from '@hitl/testing';

const RFC_3339_UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/;
const chat = (content: string) => ({ model: 'stub', messages: [{ role: 'user', content }] });

const LEASE_MS = 3000;

describe.each(WAYS)('/v1/jobs: $name', ({ way }) => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack(way, { WORKER_LEASE_MS: String(LEASE_MS) });
  });

  afterAll(() => stack.stop());

  it('accepts a job with 202, the address and the whole job', async () => {
    const payload = chat('Hello!');
    const submission = { payload, priority: 3, metadata: { customer: '4711' } };
    const { status, headers, body } = await stack.http.post('/v1/jobs', submission);
    expect(status).toBe(202);
    expect(headers.get('location')).toBe(`/v1/jobs/${body.id}`);
    expect(headers.get('etag')).toBe('"0"');
    expect(body).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
      status: 'bot',
      payload,
      response: null,
      failure: null,
      revision: 0,
      edited: false,
      usage: null,
      callback_url: null,
      attempts: 0,
      priority: 3,
      metadata: { customer: '4711' },
      created_at: expect.stringMatching(RFC_3339_UTC),
      updated_at: body.created_at,
      finished_at: null,
      erased_at: null,
    });
    expect(Math.abs(Date.parse(body.created_at) - Date.now())).toBeLessThan(60_000);
  });

  it('takes null for each field that may be left out', async () => {
    const nothing = { metadata: null, priority: null, callback_url: null, response_schema: null };
    const { status, body } = await stack.http.post('/v1/jobs', { payload: null, ...nothing });
    expect(status).toBe(202);
    expect(body).toMatchObject({ payload: null, metadata: {}, priority: 0, callback_url: null });
    await stack.reaches(body.id, 'human');
    const undecided = { id: null, response: null, payload: null, feedback: null, reason: null };
    const more = { reason_code: null, submitter_message: null, undo_ms: null };
    const decided = await stack.decide(body.id, { verdict: 'approve', ...undecided, ...more });
    expect(decided.status).toBe(200);
    const note = await stack.http.post(`/v1/reviews/${body.id}/notes`, { id: null, text: 'x' });
    expect(note.status).toBe(204);
    const policy = 'version: 1\nrules: []\n';
    expect((await stack.http.post('/v1/policies/dry-run', { policy, last: null })).status).toBe(200);
  });

  it('tells nothing of the answer, nor how long it is, before it is approved', async () => {
    const { id } = await stack.submit(chat('secret'));
    const waiting = await stack.reaches(id, 'human');
    expect(waiting).toMatchObject({ response: null, usage: null });
    const listed = (await stack.http.get('/v1/jobs')).body.data.find((job: { id: string }) => job.id === id);
    expect(listed).toMatchObject({ response: null, usage: null });
    expect((await stack.http.get(`/v1/reviews/${id}`)).body.usage).toMatchObject({ total_tokens: 8 });
    await stack.decide(id, { verdict: 'approve' });
    expect((await stack.reaches(id, 'success')).usage).toMatchObject({ total_tokens: 8 });
  });

  it('answers a job with its fields in snake_case and its revision as the ETag', async () => {
    const { id, created_at } = await stack.submit(chat('one'));
    const waiting = await stack.reaches(id, 'human');
    expect(waiting).toMatchObject({ revision: 1, attempts: 1, priority: 0, metadata: {}, created_at });
    const { headers, body } = await stack.http.get(`/v1/jobs/${id}`);
    expect(headers.get('etag')).toBe('"1"');
    expect(Object.keys(body).filter((key) => !/^[a-z]+(_[a-z]+)*$/.test(key))).toEqual([]);

    await stack.decide(id, { verdict: 'approve' });
    const final = await stack.reaches(id, 'success');
    expect(final.finished_at).toMatch(RFC_3339_UTC);
    expect(final.updated_at).toBe(final.finished_at);
    expect(Date.parse(final.finished_at)).toBeGreaterThanOrEqual(Date.parse(created_at));
    expect(final.response).toEqual(completion('You said: one'));
  });

  it.each([null, 'text', 0, false, [1, [2]], {}, { '': { ключ: '✓ 𝄞 "\\\n' } }])(
    'keeps the payload %j as it was sent',
    async (payload) => {
      const { id, payload: answered } = await stack.submit(payload);
      expect(answered).toEqual(payload);
      expect((await stack.http.get(`/v1/jobs/${id}`)).body.payload).toEqual(payload);
    },
  );

  it('finds a job by its id in upper case, too', async () => {
    const { id } = await stack.submit('upper');
    expect((await stack.http.get(`/v1/jobs/${id.toUpperCase()}`)).body.id).toBe(id);
  });

  it('lists newest first, each job once, while new ones arrive', async () => {
    const old: string[] = [];
    for (let i = 0; i < 7; i += 1) old.push((await stack.submit(`page ${i}`)).id);
    const seen: string[] = [];
    let cursor: string | null = null;
    for (let pages = 0; pages < 3; pages += 1) {
      const query: string = cursor === null ? '' : `&cursor=${cursor}`;
      const { body } = await stack.http.get(`/v1/jobs?limit=3${query}`);
      expect(body.data).toHaveLength(3);
      expect(body.has_more).toBe(true);
      seen.push(...body.data.map(({ id }: { id: string }) => id));
      cursor = body.next_cursor;
      await stack.submit('newer');
    }
    expect(seen.slice(0, 7)).toEqual(old.reverse());
    expect(new Set(seen).size).toBe(9);
  });

  it('ends the list with has_more false and no cursor', async () => {
    await stack.submit('at least one');
    const { body } = await stack.http.get('/v1/jobs?limit=200');
    expect(body).toMatchObject({ has_more: false, next_cursor: null });
    const exactly = await stack.http.get(`/v1/jobs?limit=${body.data.length}`);
    expect(exactly.body).toMatchObject({ has_more: false, next_cursor: null });
  });

  it('lists only the jobs of the status that is asked for, over several pages', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 3; i += 1) {
      const { id } = await stack.submit(`rejected ${i}`);
      await stack.reaches(id, 'human');
      await stack.decide(id, { verdict: 'reject' });
      ids.push(id);
      await stack.submit('in between');
    }
    const first = (await stack.http.get('/v1/jobs?status=fail&limit=2')).body;
    const second = (await stack.http.get(`/v1/jobs?status=fail&limit=2&cursor=${first.next_cursor}`)).body;
    const listed = [...first.data, ...second.data];
    expect(listed.slice(0, 3).map(({ id }) => id)).toEqual(ids.reverse());
    expect(listed.every(({ status }) => status === 'fail')).toBe(true);
  });

  it('cancels a job that waits for a human', async () => {
    const { id } = await stack.submit('never mind');
    await stack.reaches(id, 'human');
    const { status, body } = await stack.http.post(`/v1/jobs/${id}/cancel`, undefined, {
      'x-hitl-actor': 'alice',
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      id,
      status: 'fail',
      failure: { reason: 'cancelled', detail: 'cancelled by alice' },
      response: null,
      finished_at: expect.stringMatching(RFC_3339_UTC),
    });
    const decision = await stack.decide(id, { verdict: 'approve' });
    expect([decision.status, decision.body.code]).toEqual([409, 'job_not_waiting']);
    expect((await stack.http.get('/v1/reviews?limit=200')).text).not.toContain(id);
  });

  it('answers 409 to the cancellation of a job that has ended, and changes nothing', async () => {
    const { id } = await stack.submit('done');
    await stack.reaches(id, 'human');
    await stack.decide(id, { verdict: 'approve' });
    const before = (await stack.http.get(`/v1/jobs/${id}`)).body;
    const { status, body } = await stack.http.post(`/v1/jobs/${id}/cancel`);
    expect(status).toBe(409);
    expect(body).toMatchObject({ code: 'already_final', detail: expect.stringContaining("'success'") });
    expect((await stack.http.get(`/v1/jobs/${id}`)).body).toEqual(before);
  });

  it('answers 404 to the cancellation of a job that is not there', async () => {
    const { status, body } = await stack.http.post('/v1/jobs/12345678/cancel');
    expect([status, body.code]).toEqual([404, 'job_not_found']);
  });

  if (way !== 'services') return;

  describe('seen from the database and the model', () => {
    it('has stored the job, its event and its bell before it answers', async () => {
      const worker = stack.processes[1]!;
      process.kill(worker.pid, 'SIGSTOP');
      const { id } = await stack.submit({ input: 'durable' }, { priority: 9, metadata: { a: 'b' } });
      const [row] = await stack.database.query('SELECT * FROM jobs WHERE id = $1', [id]);
      const events = await stack.database.query('SELECT type, actor FROM job_events WHERE job_id = $1', [id]);
      process.kill(worker.pid, 'SIGCONT');
      expect(row).toMatchObject({
        status: 'bot',
        payload: { input: 'durable' },
        response: null,
        revision: 0,
        priority: 9,
        metadata: { a: 'b' },
      });
      expect(events).toEqual([{ type: 'submitted', actor: 'local' }]);
      await stack.reaches(id, 'human');
    });

    it('hangs up on the model within a lease once a job in bot is cancelled', async () => {
      stack.stub.answer = () => 'hang';
      const { id } = await stack.submit('a long answer');
      const hanging = await until('the model call of this job', () =>
        stack.stub.requests.find(({ body }) => body === 'a long answer'),
      );
      expect(hanging.aborted).toBe(false);

      const { status, body } = await stack.http.post(`/v1/jobs/${id}/cancel`);
      expect(status).toBe(200);
      expect(body).toMatchObject({
        status: 'fail',
        failure: { reason: 'cancelled' },
        revision: 0,
        attempts: 1,
      });
      await until('the worker hangs up', () => hanging.aborted, LEASE_MS);

      const [row] = await stack.database.query('SELECT status, failure_reason FROM jobs WHERE id = $1', [id]);
      expect(row).toEqual({ status: 'fail', failure_reason: 'cancelled' });
      await until('the worker counts the call as dropped', async () =>
        (await (await fetch(`${stack.processes[1]!.url}/metrics`)).text()).includes(
          'hitl_inference_attempts_total{provider="none",outcome="dropped"} 1',
        ),
      );
    });
  });
});
