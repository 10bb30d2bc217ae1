import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { completion, startStack, until, WAYS, type Stack } from '@hitl/testing';

const user = (content: string) => ({ role: 'user', content });
const assistant = (content: string) => ({ role: 'assistant', content });
const chat = (content: string, more = {}) => ({ model: 'stub', messages: [user(content)], ...more });
const SCHEMA = {
  type: 'object',
  properties: { answer: { type: 'string', enum: ['yes', 'no'] } },
  required: ['answer'],
  additionalProperties: false,
};
const response_format = { type: 'json_schema', json_schema: { name: 'r', strict: true, schema: SCHEMA } };

describe.each(WAYS)('answers that were there before: $name', ({ way }) => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack(way, { MODEL_MAX_ATTEMPTS: '2' });
  });
  afterAll(() => stack.stop());

  /** Repeats the last message; refuses turns that do not alternate, as templates of many models do. */
  const strict: Stack['stub']['answer'] = ({ body }) => {
    const { messages } = body as { messages: { role: string; content: string }[] };
    const isDouble = messages.some(({ role }, index) => role === messages[index - 1]?.role);
    if (isDouble) return { status: 400, body: { error: { message: 'Conversation roles must alternate' } } };
    return { body: completion(`You said: ${messages.at(-1)!.content}`) };
  };
  const refuse: Stack['stub']['answer'] = () => ({ status: 400, body: { error: { message: 'I refuse.' } } });
  beforeEach(() => {
    stack.stub.answer = strict;
  });

  const review = async (id: string) => (await stack.http.get(`/v1/reviews/${id}`)).body;
  const waiting = async (payload: unknown = chat('Hello!'), more = {}): Promise<string> => {
    const { id } = await stack.submit(payload, more);
    await stack.reaches(id, 'human');
    return id;
  };
  const sendBack = async (id: string, more = {}) => {
    const { revision } = await review(id);
    const { status, body } = await stack.decide(id, { verdict: 'regenerate', feedback: 'Shorter.', ...more });
    expect([status, ['bot', 'human'].includes(body.status)]).toEqual([200, true]);
    return until('it waits again', async () => {
      const job = await review(id);
      return job.status === 'human' && job.revision > revision && job;
    });
  };
  const restore = (id: string, revision: number | string, seen?: number) =>
    stack.http.post(
      `/v1/reviews/${id}/revisions/${revision}/restore`,
      undefined,
      seen === undefined ? {} : { 'if-match': `"${seen}"` },
    );

  describe('a model that is asked again', () => {
    it('gets a conversation whose turns alternate, with each of its answers before what was said about it', async () => {
      const id = await waiting();
      const turns = [user('Hello!'), assistant('You said: Hello!'), user('Shorter.')];
      expect(await sendBack(id)).toMatchObject({
        payload: chat('Hello!'),
        revision: 2,
        attempts: 2,
        failure: null,
      });
      expect(stack.stub.requests.at(-1)!.body).toEqual({ model: 'stub', messages: turns });
      const again = await sendBack(id, { feedback: 'Kinder.' });
      expect(stack.stub.requests.at(-1)!.body).toEqual({
        model: 'stub',
        messages: [...turns, assistant('You said: Shorter.'), user('Kinder.')],
      });
      expect(again).toMatchObject({
        revision: 3,
        response: completion('You said: Kinder.'),
        regeneration_failed: null,
      });
    });

    it.each<[string, Stack['stub']['answer'], string]>([
      ['refuses', refuse, 'I refuse.'],
      ['fails as often as it may', () => ({ status: 500, text: 'oops' }), 'Gave up after 2 tries.'],
    ])('and %s leaves the answer that was there, and says so', async (_what, answer, detail) => {
      const id = await waiting();
      const before = await review(id);
      stack.stub.answer = answer;
      const after = await sendBack(id, { payload: chat('Something else') });
      expect(after).toMatchObject({
        ...{
          status: 'human',
          response: before.response,
          payload: before.payload,
          revision: 2,
          failure: null,
        },
        ...{ feedback: [], original_payload: null },
        regeneration_failed: { detail: expect.stringContaining(detail), by: 'local', feedback: 'Shorter.' },
      });
      const { events, outputs } = (await stack.http.get(`/v1/reviews/${id}/history`)).body;
      expect(events.at(-1)).toMatchObject({ type: 'regeneration_failed', status: 'human', revision: 2 });
      expect(outputs.map(({ response }: any) => response)).toEqual([before.response, before.response]);
      const late = await stack.decide(id, { verdict: 'approve' }, { 'if-match': '"1"' });
      expect([late.status, late.body.code]).toEqual([412, 'revision_mismatch']);
      expect((await stack.decide(id, { verdict: 'approve' })).body).toMatchObject({
        ...{ status: 'success', response: before.response },
      });
      expect((await stack.http.get(`/v1/reviews/${id}/chain`)).body).toMatchObject({ findings: [] });
    });

    it('shows what the submitter sent, where a reviewer has changed it', async () => {
      const id = await waiting();
      const after = await sendBack(id, { payload: chat('Something else'), feedback: undefined });
      expect(after).toMatchObject({ payload: chat('Something else'), original_payload: chat('Hello!') });
    });
  });

  describe('any earlier answer', () => {
    it('can be taken again and approved, and the record says which', async () => {
      const id = await waiting();
      await sendBack(id);
      const { status, headers, body } = await restore(id, 1, 2);
      expect(status).toBe(200);
      expect(headers.get('etag')).toBe('"3"');
      expect(body).toMatchObject({
        status: 'human',
        revision: 3,
        response: completion('You said: Hello!'),
        feedback: [],
      });
      const { events } = (await stack.http.get(`/v1/reviews/${id}/history`)).body;
      expect(events.at(-1)).toMatchObject({ type: 'restored', revision: 3, data: { restored_revision: 1 } });
      expect((await stack.decide(id, { verdict: 'approve' })).body).toMatchObject({
        ...{ status: 'success', response: completion('You said: Hello!'), edited: false },
      });
    });

    it('can be taken while the model is asked for another one', async () => {
      const id = await waiting();
      stack.stub.answer = () => 'hang';
      await stack.decide(id, { verdict: 'regenerate', feedback: 'Shorter.' });
      expect((await restore(id, 1, 1)).body).toMatchObject({
        ...{ status: 'human', revision: 2, response: completion('You said: Hello!') },
      });
    });

    it('stays where it is when it waits already', async () => {
      const id = await waiting();
      expect((await restore(id, 1, 1)).body).toMatchObject({ status: 'human', revision: 1 });
    });

    it('must have been there, and whoever wants it must have seen what waits now', async () => {
      const id = await waiting();
      await sendBack(id);
      const refusals = await Promise.all([
        restore(id, 1),
        restore(id, 1, 1),
        restore(id, 3, 2),
        restore(id, 0, 2),
        restore(id, 'x', 2),
        restore(id, '99999999999', 2),
        restore('019a9f3e-5c1c-7b8a-9d2e-3f4a5b6c7d8e', 1, 2),
      ]);
      expect(refusals.map(({ status, body }) => [status, body.code])).toEqual([
        [428, 'precondition_required'],
        [412, 'revision_mismatch'],
        [404, 'revision_not_found'],
        [400, 'invalid_request'],
        [400, 'invalid_request'],
        [400, 'invalid_request'],
        [404, 'job_not_found'],
      ]);
      await stack.decide(id, { verdict: 'approve' });
      const ended = await restore(id, 1, 2);
      expect([ended.status, ended.body.code]).toEqual([409, 'already_decided']);
    });
  });

  describe('an edit that the client could not read', () => {
    const broken = { verdict: 'edit', response: 'well, maybe' };

    it('is refused on every door, which says where', async () => {
      stack.stub.answer = () => ({ body: completion('{"answer":"yes"}') });
      const id = await waiting(chat('x', { response_format }));
      const errors = [{ pointer: '/response', detail: expect.stringContaining('must be JSON') }];
      const { status, body } = await stack.decide(id, broken);
      expect([status, body.code, body.errors]).toEqual([422, 'schema_mismatch', errors]);
      const many = { decisions: [{ job_id: id, revision: 1, ...broken }] };
      const bulk = await stack.http.post('/v1/reviews/decisions', many);
      expect(bulk.body.results[0].problem).toMatchObject({ status: 422, errors });
      for (const change of ['success', 'human']) {
        const answer = await stack.http.post('/reviewJob', { id, status: change, response: 'well, maybe' });
        expect([answer.status, answer.body.message]).toEqual([422, expect.stringContaining('must be JSON')]);
      }
      expect(await review(id)).toMatchObject({ status: 'human', revision: 1 });
      const fitting = await stack.decide(id, { verdict: 'edit', response: { answer: 'no' } });
      expect(fitting.body).toMatchObject({ status: 'success', response: { answer: 'no' } });
    });

    it('is refused for tools, for completions without a choice, and where a reviewer took the format away', async () => {
      const tool_calls = [
        { id: 't1', type: 'function', function: { name: 'pay', arguments: '{"amount":5}' } },
      ];
      const calls = (args: string) => ({
        ...{
          object: 'chat.completion',
          choices: [
            {
              index: 0,
              message: {
                role: 'assistant',
                content: null,
                tool_calls: [{ ...tool_calls[0], function: { name: 'pay', arguments: args } }],
              },
            },
          ],
        },
      });
      stack.stub.answer = () => ({ body: calls('{"amount":5}') });
      const parameters = { type: 'object', properties: { amount: { type: 'number' } }, required: ['amount'] };
      const id = await waiting(
        chat('x', { tools: [{ type: 'function', function: { name: 'pay', parameters } }] }),
      );
      await sendBack(id, { payload: chat('without tools') });
      for (const response of [
        calls('{"amount":5,}'),
        calls('{}'),
        { choices: [] },
        { choices: [{ index: 0 }] },
      ]) {
        expect((await stack.decide(id, { verdict: 'edit', response })).status).toBe(422);
      }
      expect((await stack.decide(id, { verdict: 'edit', response: calls('{"amount":7}') })).status).toBe(200);
    });
  });

  it('an answer of the model that is not what was asked for can be approved, and everybody sees what is wrong', async () => {
    const id = await waiting(chat('x', { response_format }));
    const wrong = {
      pointer: '/response/choices/0/message/content',
      detail: expect.stringContaining('must be JSON'),
    };
    expect(await review(id)).toMatchObject({ response_violations: [wrong] });
    const { data } = (await stack.http.get('/v1/review-summaries?limit=200')).body;
    expect(data.find((row: any) => row.id === id)).toMatchObject({ violations: 1 });
    expect(JSON.stringify((await stack.http.get(`/v1/jobs/${id}`)).body)).not.toContain('violations');
    const edited = { id, status: 'human', response: { answer: 'no' } };
    await stack.http.post('/reviewJob', edited);
    expect(await review(id)).toMatchObject({ revision: 2, response_violations: [] });
    expect((await restore(id, 1, 2)).body).toMatchObject({ response_violations: [wrong] });
    expect((await stack.decide(id, { verdict: 'approve' })).body).toMatchObject({ status: 'success' });
  });

  it('a schema that cannot be used refuses no edit, and the review says that it could not be checked', async () => {
    const format = { type: 'json_schema', json_schema: { name: 'r', schema: { $ref: '#' } } };
    stack.stub.answer = () => ({ body: completion('{}') });
    const id = await waiting(chat('x', { response_format: format }));
    expect((await review(id)).response_violations).toEqual([
      { pointer: expect.any(String), detail: expect.stringContaining('could not be checked') },
    ]);
    expect((await stack.decide(id, { verdict: 'edit', response: { a: 1 } })).status).toBe(200);
  });

  describe('a job that the model has failed', () => {
    const failed = async (more = {}) => {
      stack.stub.answer = refuse;
      const { id } = await stack.submit(chat('Hello!'), more);
      await stack.reaches(id, 'fail');
      return id as string;
    };

    it('says why on the original door, beside what it always said', async () => {
      const id = await failed();
      const { body } = await stack.http.get(`/job?id=${id}`);
      expect(body).toEqual({
        ...{
          job_id: id,
          status: 'fail',
          payload: chat('Hello!'),
          response: null,
          created_at: expect.any(String),
        },
        failure: { reason: 'inference_failed', detail: expect.stringContaining('I refuse.') },
      });
      stack.stub.answer = strict;
      const other = (await stack.http.get(`/job?id=${await waiting()}`)).body;
      expect(Object.keys(other)).toEqual(['job_id', 'status', 'payload', 'response', 'created_at']);
    });

    it('is tried again by the original door, and by the desk', async () => {
      for (const ask of [
        (id: string) => stack.http.post('/reviewJob', { id, status: 'bot' }),
        (id: string) => stack.decide(id, { verdict: 'regenerate' }, { 'if-match': '"0"' }),
      ]) {
        const id = await failed();
        stack.stub.answer = strict;
        expect((await ask(id)).status).toBe(200);
        expect(await stack.reaches(id, 'human')).toMatchObject({ failure: null, revision: 1 });
        expect((await stack.decide(id, { verdict: 'approve' })).body).toMatchObject({ status: 'success' });
      }
    });

    it('is tried again once for one decision', async () => {
      const id = await failed();
      const decision = { id: '019a9f3e-5c1c-7b8a-9d2e-3f4a5b6c7d8e', verdict: 'regenerate' };
      const again = () => stack.decide(id, decision, { 'if-match': '"0"' });
      expect((await again()).status).toBe(200);
      await stack.reaches(id, 'fail');
      const attempts = (await review(id)).attempts;
      expect((await again()).body).toMatchObject({ status: 'fail', attempts });
    });

    it('is not tried again when a human or the submitter has ended it', async () => {
      const rejected = await waiting();
      await stack.decide(rejected, { verdict: 'reject' });
      const cancelled = await waiting();
      await stack.http.post(`/v1/jobs/${cancelled}/cancel`, {});
      for (const id of [rejected, cancelled]) {
        expect((await stack.http.post('/reviewJob', { id, status: 'bot' })).status).toBe(404);
      }
    });
  });

  it('a review without a status is refused with the field that is missing, and nothing happens', async () => {
    const id = await waiting();
    const { status, body } = await stack.http.post('/reviewJob', { id, response: 'x' });
    expect([status, body.message]).toEqual([400, expect.stringContaining('"status" is missing')]);
    expect(await review(id)).toMatchObject({ status: 'human', revision: 1 });
  });
});
