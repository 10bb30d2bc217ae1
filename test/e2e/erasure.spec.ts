import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { completion, runService, startStack, until, type Stack } from '@hitl/testing';

const ERASED = { payload: null, response: null, metadata: {}, erased_at: expect.any(String) };
const CHAT = { model: 'm', messages: [{ role: 'user', content: 'Hello!' }] };

describe('the erasure of what a job was about', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack('services');
    stack.stub.answer = () => ({ body: completion('four') });
  });

  afterAll(() => stack.stop());

  async function ended(): Promise<string> {
    const { id } = await stack.submit(CHAT, { metadata: { customer: '4711' } });
    await stack.reaches(id, 'human');
    await stack.decide(id, { verdict: 'approve' });
    await stack.reaches(id, 'success');
    return id;
  }
  const erase = (id: string, body: object = { reason: 'asked for' }) =>
    stack.http.post(`/v1/jobs/${id}/erase`, body);

  it('leaves the job with who did what, and nothing of what it was about, at every address', async () => {
    const id = await ended();
    const { status, body } = await erase(id);
    expect([status, body]).toEqual([200, expect.objectContaining({ id, status: 'success', ...ERASED })]);
    expect((await erase(id)).body).toEqual(body);
    expect((await stack.http.get(`/v1/jobs/${id}`)).body).toEqual(body);
    expect((await stack.http.get('/v1/jobs?status=success')).body.data).toContainEqual(body);
    expect((await stack.http.get(`/v1/reviews/${id}`)).body).toMatchObject(ERASED);
    expect((await stack.http.get(`/job?id=${id}`)).body).toMatchObject({ payload: null, response: null });
    expect((await stack.http.get(`/v1/responses/resp_${id}`)).body.error).toMatchObject({
      code: 'content_erased',
    });
    const { events } = (await stack.http.get(`/v1/reviews/${id}/history`)).body;
    expect(events.at(-1)).toMatchObject({ type: 'erased', data: { reason: 'asked for' } });
    expect((await stack.http.get(`/v1/reviews/${id}/chain`)).body).toMatchObject({ whole: true, events: 4 });
    expect((await stack.http.get('/v1/exports/sft.jsonl')).text).not.toContain(id);
    const note = await stack.http.post(`/v1/reviews/${id}/notes`, { text: 'x' });
    expect([note.status, note.body.code]).toEqual([410, 'content_erased']);
    const verified = await runService('cli', ['audit', 'verify'], { DATABASE_URL: stack.database.url });
    expect(verified).toMatchObject({ code: 0, stdout: expect.stringMatching(/^whole: /) });
  });

  it('is told to a client that repeats its request', async () => {
    const headers = { 'idempotency-key': 'a-chat' };
    const first = stack.http.post('/v1/chat/completions', CHAT, headers);
    const id = await until('the job waits', async () => {
      const { data } = (await stack.http.get('/v1/reviews')).body;
      return data[0]?.id as string | undefined;
    });
    await stack.decide(id, { verdict: 'approve' });
    expect((await first).status).toBe(200);
    expect((await erase(id)).status).toBe(200);
    const again = await stack.http.post('/v1/chat/completions', CHAT, headers);
    expect([again.status, again.body.error]).toEqual([
      410,
      expect.objectContaining({ code: 'content_erased', job_id: id }),
    ]);
  });

  it('is refused for a job that has not ended, without a reason, and for none', async () => {
    const { id } = await stack.submit(CHAT);
    const { status, body } = await erase(id);
    expect([status, body.code]).toEqual([409, 'not_final']);
    expect((await stack.http.get(`/v1/jobs/${id}`)).body.payload).toEqual(CHAT);
    expect((await erase(id, {})).body.code).toBe('invalid_request');
    expect((await erase('019a9f3e-5c1c-7b8a-9d2e-3f4a5b6c7d8e')).body.code).toBe('job_not_found');
  });

  it('comes by itself after RETENTION_DAYS, for jobs that have ended', async () => {
    const [old, young] = [await ended(), await ended()];
    const waiting = (await stack.submit(CHAT)).id;
    await stack.reaches(waiting, 'human');
    const back = `now() - interval '31 days'`;
    await stack.database.query(
      `UPDATE jobs SET created_at = ${back}, waiting_since = CASE WHEN id = $1 THEN ${back} END, finished_at = CASE WHEN id = $2 THEN ${back} END WHERE id IN ($1, $2)`,
      [waiting, old],
    );
    await stack.restart('review-service', { RETENTION_DAYS: '30' });
    await until(
      'the old one is erased',
      async () => (await stack.http.get(`/v1/jobs/${old}`)).body.erased_at,
    );
    for (const id of [young, waiting]) {
      expect((await stack.http.get(`/v1/jobs/${id}`)).body).toMatchObject({ payload: CHAT, erased_at: null });
    }
    const { events } = (await stack.http.get(`/v1/reviews/${old}/history`)).body;
    expect(events.at(-1)).toMatchObject({
      type: 'erased',
      actor: 'desk',
      data: { reason: 'RETENTION_DAYS: it ended 30 days ago' },
    });
  });
});
