import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { completion, startStack, WAYS, type Stack } from '@hitl/testing';

const chat = (content: string) => ({ model: 'stub', messages: [{ role: 'user', content }] });

describe.each(WAYS)('/v1/reviews: $name', ({ way }) => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack(way);
  });

  afterAll(() => stack.stop());

  /** A job that waits for a human, as its submitter sees it. */
  async function waiting(payload: unknown = chat('Hello!'), priority = 0): Promise<any> {
    const { id } = await stack.submit(payload, { priority });
    return stack.reaches(id, 'human');
  }
  const read = async (id: string) => (await stack.http.get(`/v1/jobs/${id}`)).body;
  const lastRequest = () => stack.stub.requests.at(-1)!.body;

  describe('the list', () => {
    it('shows the most urgent first, then the oldest, page by page while more arrive', async () => {
      const jobs = [];
      for (const priority of [0, 5, 9, 5, 0]) jobs.push(await waiting(chat(`p${priority}`), priority));
      const [a, b, c, d, e] = jobs.map(({ id }) => id as string);
      const first = (await stack.http.get('/v1/reviews?limit=2')).body;
      // More urgent than the page that comes next: it belongs before it, so the cursor must not be thrown off.
      const urgent = await waiting(chat('now'), 9);
      const second = (await stack.http.get(`/v1/reviews?limit=2&cursor=${first.next_cursor}`)).body;
      const third = (await stack.http.get(`/v1/reviews?limit=2&cursor=${second.next_cursor}`)).body;
      const ids = [first, second, third].flatMap(({ data }) => data.map(({ id }: { id: string }) => id));
      expect(ids).toEqual([c, b, d, a, e]);
      expect(first.has_more).toBe(true);
      expect(third).toMatchObject({ has_more: false, next_cursor: null });
      for (const id of [...ids, urgent.id]) await stack.decide(id, { verdict: 'reject' });
      expect((await stack.http.get('/v1/reviews')).body).toEqual({
        data: [],
        has_more: false,
        next_cursor: null,
      });
    });

    it('shows the answer to judge', async () => {
      const { id, ...job } = await waiting(chat('judge me'));
      const { body } = await stack.http.get('/v1/reviews?limit=200');
      const shown = { ...job, id, response: completion('You said: judge me'), usage: expect.any(Object) };
      expect(body.data).toContainEqual(expect.objectContaining(shown));
      await stack.decide(id, { verdict: 'reject' });
    });
  });

  describe('a decision', () => {
    it('approve: delivers the answer that was judged', async () => {
      const { id } = await waiting();
      const { status, headers, body } = await stack.decide(id, { verdict: 'approve' });
      expect(status).toBe(200);
      expect(headers.get('etag')).toBe('"1"');
      expect(body).toMatchObject({
        id,
        status: 'success',
        response: completion('You said: Hello!'),
        failure: null,
        revision: 1,
        attempts: 1,
        finished_at: expect.any(String),
      });
      expect(body).toMatchObject(await read(id));
    });

    it.each([{ answer: 4 }, 'text', 0, false, '', []])('edit: delivers %j instead', async (response) => {
      const { id } = await waiting();
      const { status, headers, body } = await stack.decide(id, { verdict: 'edit', response });
      expect(status).toBe(200);
      expect(headers.get('etag')).toBe('"2"');
      expect(body).toMatchObject({ status: 'success', response, revision: 2, attempts: 1 });
      expect(body).toMatchObject(await read(id));
    });

    it('reject: delivers nothing, and tells why', async () => {
      const { id } = await waiting();
      const { status, body } = await stack.decide(id, {
        verdict: 'reject',
        submitter_message: 'It is rude.',
      });
      expect(status).toBe(200);
      expect(body).toMatchObject({
        status: 'fail',
        failure: { reason: 'rejected', detail: 'It is rude.' },
        revision: 1,
      });
      expect(await read(id)).toMatchObject({
        status: 'fail',
        failure: { reason: 'rejected', detail: 'It is rude.' },
        response: null,
      });
    });

    it('reject without a message to the submitter: the detail is null', async () => {
      const { id } = await waiting();
      await stack.decide(id, { verdict: 'reject', reason: 'It is rude.' });
      expect((await read(id)).failure).toEqual({ reason: 'rejected', detail: null });
    });

    it.each([
      { payload: { input: '2 + 2?' }, sent: { input: '2 + 2?', feedback: 'In words.' } },
      { payload: 'bare text', sent: { input: 'bare text', feedback: 'In words.' } },
      { payload: [1, 2], sent: { input: [1, 2], feedback: 'In words.' } },
    ])(
      'regenerate with feedback: $payload gets it beside what is there, with the answer that it is about',
      async ({ payload, sent }) => {
        const { id } = await waiting(payload);
        const { response } = (await stack.http.get(`/v1/reviews/${id}`)).body;
        await stack.decide(id, { verdict: 'regenerate', feedback: 'In words.' });
        await stack.reaches(id, 'human');
        expect(lastRequest()).toEqual({ ...sent, previous_response: response });
        expect((await read(id)).payload).toEqual(payload);
      },
    );

    it('regenerate with a payload: the model gets the new one, and the job keeps it', async () => {
      const { id } = await waiting();
      await stack.decide(id, { verdict: 'regenerate', payload: chat('Other') });
      expect((await stack.reaches(id, 'human')).payload).toEqual(chat('Other'));
      expect(lastRequest()).toEqual(chat('Other'));
      const { body } = await stack.decide(id, { verdict: 'approve' });
      expect(body.response).toEqual(completion('You said: Other'));
    });

    it('regenerate alone: the model is asked the same again', async () => {
      const { id } = await waiting(chat('Once more'));
      const calls = stack.stub.requests.length;
      await stack.decide(id, { verdict: 'regenerate' });
      expect(await stack.reaches(id, 'human')).toMatchObject({ revision: 2, attempts: 2 });
      expect(stack.stub.requests.slice(calls).map(({ body }) => body)).toEqual([chat('Once more')]);
    });
  });

  describe('If-Match', () => {
    it.each<Record<string, string>>([{}, { 'if-match': '*' }])(
      'is required: %j gets 428, which names the revision',
      async (headers) => {
        const { id } = await waiting();
        const path = `/v1/reviews/${id}/decision`;
        const { status, body } = await stack.http.post(path, { verdict: 'approve' }, headers);
        expect([status, body.code]).toEqual([428, 'precondition_required']);
        expect(body.current).toEqual({ revision: 1 });
        expect(await read(id)).toMatchObject({ status: 'human', revision: 1 });
      },
    );

    it('of a revision that is no longer the current one, or never was: 412, and the job goes on waiting', async () => {
      const { id } = await waiting();
      await stack.decide(id, { verdict: 'regenerate' });
      await stack.reaches(id, 'human');
      const { status, body } = await stack.decide(id, { verdict: 'approve' }, { 'if-match': '"1"' });
      expect([status, body.code]).toEqual([412, 'revision_mismatch']);
      expect(body.detail).toContain('the current one is 2');
      expect(body.current).toEqual({ status: 'human', revision: 2, claim: null, held: null, decision: null });
      const never = await stack.decide(id, { verdict: 'approve' }, { 'if-match': '"7"' });
      expect([never.status, never.body.code]).toEqual([412, 'revision_mismatch']);
      expect((await read(id)).status).toBe('human');
    });
  });

  describe('the second of two decisions', () => {
    const as = (actor: string) => ({ 'x-hitl-actor': actor });

    it.each([
      { first: { verdict: 'approve' }, status: 'success' },
      { first: { verdict: 'reject' }, status: 'fail' },
    ])('gets 409 that says who was first: $first.verdict', async ({ first, status: final }) => {
      const { id } = await waiting();
      expect((await stack.decide(id, first, as('alice'))).status).toBe(200);
      const { status, body } = await stack.decide(id, { verdict: 'edit', response: 'mine' }, as('bob'));
      expect([status, body.code]).toEqual([409, 'already_decided']);
      expect(body.detail).toMatch(
        new RegExp(`^alice was first: '${first.verdict}' on revision 1 .*in '${final}'`),
      );
      const decision = { verdict: first.verdict, by: 'alice', at: expect.any(String) };
      expect(body.current).toEqual({ status: final, revision: 1, claim: null, held: null, decision });
      expect((await read(id)).status).toBe(final);
    });

    it('gets 409 while the model works on what the first one asked for', async () => {
      const { id } = await waiting(chat('slow'));
      const { answer } = stack.stub;
      stack.stub.answer = () => 'hang';
      await stack.decide(id, { verdict: 'regenerate' }, as('alice'));
      const { status, body } = await stack.decide(id, { verdict: 'approve' }, as('bob'));
      stack.stub.answer = answer;
      expect([status, body.code]).toEqual([409, 'already_decided']);
      expect(body.detail).toContain("alice was first: 'regenerate'");
      await stack.http.post(`/v1/jobs/${id}/cancel`);
    });

    it('has no effect when ten come at once', async () => {
      const { id } = await waiting();
      const answers = await Promise.all(
        Array.from({ length: 10 }, (_, i) =>
          stack.decide(id, { verdict: 'edit', response: `from ${i}` }, as(`reviewer${i}`)),
        ),
      );
      const winners = answers.filter(({ status }) => status === 200);
      expect(winners).toHaveLength(1);
      const { response } = await read(id);
      expect(response).toBe(winners[0]!.body.response);
      for (const { body } of answers.filter(({ status }) => status !== 200)) {
        expect(body.code).toBe('already_decided');
        expect(body.detail).toContain(`reviewer${response.replace('from ', '')} was first`);
      }
    });
  });

  describe('is refused', () => {
    it('with 409 while the job waits for the model', async () => {
      const { answer } = stack.stub;
      stack.stub.answer = () => 'hang';
      const { id } = await stack.submit(chat('slow'));
      const { status, body } = await stack.decide(id, { verdict: 'approve' });
      stack.stub.answer = answer;
      expect([status, body.code]).toEqual([409, 'job_not_waiting']);
      expect(body.detail).toContain("'bot'");
      await stack.http.post(`/v1/jobs/${id}/cancel`);
    });

    it('with 409 on a job that was cancelled after it was sent back to the model', async () => {
      const { id } = await waiting(chat('slow'));
      const { answer } = stack.stub;
      stack.stub.answer = () => 'hang';
      await stack.decide(id, { verdict: 'regenerate' });
      await stack.http.post(`/v1/jobs/${id}/cancel`);
      stack.stub.answer = answer;
      expect((await stack.decide(id, { verdict: 'approve' })).body.code).toBe('job_not_waiting');
    });

    it('with 404 on a job that is not there', async () => {
      for (const id of ['12345678', '019a9f3e-5c1c-7b8a-9d2e-3f4a5b6c7d8e']) {
        const { status, body } = await stack.decide(id, { verdict: 'approve' });
        expect([status, body.code]).toEqual([404, 'job_not_found']);
      }
    });
  });
});
