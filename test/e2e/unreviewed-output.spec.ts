import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { completion, startStack, WAYS, type Stack } from '@hitl/testing';

/** A word that only the model says. */
const SECRET = 'xylophone-7f3a';
const SAM = { 'x-hitl-actor': 'sam' };

describe.each(WAYS)('an answer that no human has approved: $name', ({ way }) => {
  let stack: Stack;
  let id: string;

  beforeAll(async () => {
    stack = await startStack(way);
    stack.stub.answer = () => ({ body: completion(SECRET) });
  });

  beforeEach(async () => {
    ({ id } = await stack.submit('Say it', {}, SAM));
    await stack.reaches(id, 'human');
  });

  afterAll(() => stack.stop());

  /** Every answer of /v1/jobs that can tell of the job, as the bytes that travel. */
  async function submitterSees(): Promise<string> {
    const answers = await Promise.all(
      [
        `/v1/jobs/${id}`,
        `/v1/jobs/${id}/history`,
        '/v1/jobs?limit=200',
        ...['bot', 'human', 'success', 'fail'].map((status) => `/v1/jobs?limit=200&status=${status}`),
      ].map((path) => stack.http.get(path, SAM)),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    return answers.map(({ text, headers }) => text + JSON.stringify([...headers])).join('\n');
  }

  it('reaches the reviewer, and not the submitter, while it waits', async () => {
    expect((await stack.http.get('/v1/reviews?limit=200')).text).toContain(SECRET);
    expect(await submitterSees()).not.toContain(SECRET);
  });

  it('stays hidden after it is rejected', async () => {
    const { status } = await stack.decide(id, { verdict: 'reject', reason: 'wrong' });
    expect(status).toBe(200);
    expect((await stack.http.get(`/v1/jobs/${id}`)).body).toMatchObject({ status: 'fail', response: null });
    expect(await submitterSees()).not.toContain(SECRET);
  });

  it('stays hidden after the job is cancelled', async () => {
    const cancelled = await stack.http.post(`/v1/jobs/${id}/cancel`);
    expect(cancelled.body.status).toBe('fail');
    expect(cancelled.text).not.toContain(SECRET);
    expect(await submitterSees()).not.toContain(SECRET);
  });

  it('stays hidden after an edit replaced it, in full', async () => {
    await stack.decide(id, { verdict: 'edit', response: { answer: 'ours' } });
    const { body } = await stack.http.get(`/v1/jobs/${id}`);
    expect(body).toMatchObject({ status: 'success', response: { answer: 'ours' }, revision: 2 });
    expect(await submitterSees()).not.toContain(SECRET);
  });

  it('stays hidden while the model is asked again, and when the second answer waits', async () => {
    await stack.decide(id, { verdict: 'regenerate', feedback: 'shorter' });
    expect(await submitterSees()).not.toContain(SECRET);
    expect((await stack.reaches(id, 'human')).revision).toBe(2);
    expect(await submitterSees()).not.toContain(SECRET);
  });

  // The last one: from here on the lists tell the word.
  it('is delivered once it is approved', async () => {
    await stack.decide(id, { verdict: 'approve' });
    expect((await stack.http.get(`/v1/jobs/${id}`)).body.response).toEqual(completion(SECRET));
    const listed = await stack.http.get('/v1/jobs?limit=200&status=success');
    expect(listed.text).toContain(SECRET);
  });
});
