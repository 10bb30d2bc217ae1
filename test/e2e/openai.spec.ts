import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startStack, until, type Stack } from '@hitl/testing';
import OpenAI from 'openai';

const QUESTION = { model: 'gpt-x', messages: [{ role: 'user' as const, content: 'What is 2 + 2?' }] };

describe('the official OpenAI SDK', () => {
  let stack: Stack;
  let client: OpenAI;
  beforeAll(async () => {
    stack = await startStack('standalone', { HOLD_TIMEOUT_MS: '3000' });
    client = new OpenAI({ baseURL: `${stack.url}/v1`, apiKey: 'unused' });
  });
  afterAll(() => stack.stop());

  /** Waits for the one job that waits for a human, and decides on it; answers its id. */
  async function decideNext(decision: unknown): Promise<string> {
    const job = await until('a job to review', async () => {
      const { body } = await stack.http.get('/v1/reviews');
      return body.data[0];
    });
    const { status, text } = await stack.decide(job.id, decision);
    if (status !== 200) throw new Error(text);
    return job.id;
  }
  const countJobs = async (): Promise<number> =>
    (await stack.http.get('/v1/jobs?limit=200')).body.data.length;

  describe('chat.completions.create', () => {
    it('is answered with the approved completion and the id of its job', async () => {
      const answer = client.chat.completions.create(QUESTION).withResponse();
      const id = await decideNext({ verdict: 'approve' });
      const { data, response } = await answer;
      expect(data.choices[0]?.message.content).toBe('You said: What is 2 + 2?');
      expect(data.usage?.total_tokens).toBe(8);
      expect(response.headers.get('x-hitl-job-id')).toBe(id);
      expect(response.headers.get('x-hitl-edited')).toBeNull();
    });

    it('forwards the request to the model as it came, without the wish to stream', async () => {
      const answer = client.chat.completions.create({ ...QUESTION, temperature: 0.3, stream: true });
      await decideNext({ verdict: 'approve' });
      await answer;
      expect(stack.stub.requests.at(-1)?.body).toEqual({ ...QUESTION, temperature: 0.3 });
    });

    it('is answered with the edited completion, and says that it was edited', async () => {
      const answer = client.chat.completions.create(QUESTION).withResponse();
      await decideNext({ verdict: 'edit', response: 'Four.' });
      const { data, response } = await answer;
      expect(data.choices[0]?.message).toMatchObject({ role: 'assistant', content: 'Four.' });
      expect(response.headers.get('x-hitl-edited')).toBe('true');
    });

    it('streams the approved text, with its usage when asked for', async () => {
      const answer = client.chat.completions.create({
        ...QUESTION,
        stream: true,
        stream_options: { include_usage: true },
      });
      await decideNext({ verdict: 'approve' });
      let text = '';
      let usage: unknown;
      let finish: unknown;
      for await (const chunk of await answer) {
        text += chunk.choices[0]?.delta.content ?? '';
        finish ??= chunk.choices[0]?.finish_reason;
        usage ??= chunk.usage;
      }
      expect(text).toBe('You said: What is 2 + 2?');
      expect(finish).toBe('stop');
      expect(usage).toMatchObject({ total_tokens: 8 });
    });

    it('throws PermissionDeniedError with the reason when a reviewer rejects', async () => {
      const answer = client.chat.completions.create(QUESTION);
      const failure = answer.catch((error: unknown) => error);
      await decideNext({ verdict: 'reject', reason: 'internal', submitter_message: 'Not our tone.' });
      const error = await failure;
      expect(error).toBeInstanceOf(OpenAI.PermissionDeniedError);
      expect(error).toMatchObject({ status: 403, code: 'review_rejected' });
      expect((error as Error).message).toContain('Not our tone.');
      expect(JSON.stringify(error)).not.toContain('internal');
    });

    it('throws while streaming when a reviewer rejects', async () => {
      const answer = await client.chat.completions.create({ ...QUESTION, stream: true });
      const failure = (async () => {
        for await (const chunk of answer) expect(chunk).toBeUndefined();
      })().catch((error: unknown) => error);
      await decideNext({ verdict: 'reject' });
      expect(await failure).toMatchObject({ code: 'review_rejected' });
    });

    it('throws when the hold runs out, names the job, and makes no second one when it asks again by itself', async () => {
      const before = await countJobs();
      const error: any = await client.chat.completions
        .create({ ...QUESTION, temperature: 0.1 }, { maxRetries: 1 })
        .catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(OpenAI.APIError);
      expect(error).toMatchObject({ status: 403, code: 'review_pending' });
      const id = error.error.job_id;
      expect(error.error.job_url).toBe(`/v1/jobs/${id}`);
      expect(error.headers.get('x-hitl-job-id')).toBe(id);
      expect(error.headers.get('x-should-retry')).toBe('true');
      expect(await countJobs()).toBe(before + 1);
      // Who asks the same again is told of the end that it has missed.
      await stack.decide(id, { verdict: 'reject' });
      const again = client.chat.completions.create({ ...QUESTION, temperature: 0.1 });
      expect(await again.catch((thrown: unknown) => thrown)).toMatchObject({ code: 'review_rejected' });
      expect(await countJobs()).toBe(before + 1);
    });

    it('waits for the same job when it is called again under the same Idempotency-Key', async () => {
      const before = await countJobs();
      const options = { headers: { 'Idempotency-Key': 'again' } };
      const first = client.chat.completions.create(QUESTION, options).withResponse();
      const second = client.chat.completions.create(QUESTION, options).withResponse();
      const id = await decideNext({ verdict: 'approve' });
      const answers = await Promise.all([first, second]);
      expect(answers.map(({ response }) => response.headers.get('x-hitl-job-id'))).toEqual([id, id]);
      expect(answers.filter(({ response }) => response.headers.get('idempotency-replayed'))).toHaveLength(1);
      expect(await countJobs()).toBe(before + 1);
    });

    it('throws at once when the model fails for good', async () => {
      const usual = stack.stub.answer;
      stack.stub.answer = () => ({ status: 400, body: { error: { message: 'no such model' } } });
      const error = await client.chat.completions.create(QUESTION).catch((thrown: unknown) => thrown);
      stack.stub.answer = usual;
      expect(error).toMatchObject({ status: 502, code: 'inference_failed' });
      expect((error as Error).message).toContain('no such model');
    });

    it('leaves the job as it is when its client goes away', async () => {
      const gone = new AbortController();
      const answer = client.chat.completions
        .create(QUESTION, { signal: gone.signal })
        .catch((error: unknown) => error);
      const job = await until('the job', async () => (await stack.http.get('/v1/reviews')).body.data[0]);
      gone.abort();
      expect(await answer).toBeInstanceOf(OpenAI.APIUserAbortError);
      expect((await stack.decide(job.id, { verdict: 'approve' })).status).toBe(200);
    });

    it.each([
      ['no model', { messages: QUESTION.messages }, 'model'],
      ['no messages', { model: 'x' }, 'messages'],
      ['a message that is none', { model: 'x', messages: ['hello'] }, 'messages[0]'],
    ])('throws BadRequestError for %s', async (_name, body, parameter) => {
      const error: any = await client.chat.completions.create(body as any).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(OpenAI.BadRequestError);
      expect(error).toMatchObject({
        param: parameter,
        code: 'invalid_request',
        type: 'invalid_request_error',
      });
    });
  });

  it('models.list names what the provider offers', async () => {
    const models = [];
    for await (const model of client.models.list()) models.push(model);
    expect(models).toMatchObject([{ id: 'stub', object: 'model', owned_by: 'the stub' }]);
  });

  describe('responses', () => {
    it('are polled in the background until a human has approved', async () => {
      let response = await client.responses.create({ model: 'gpt-x', input: 'Hello', background: true });
      expect(response).toMatchObject({ status: 'queued', background: true, output: [] });
      await until('in_progress', async () => {
        response = await client.responses.retrieve(response.id);
        return response.status === 'in_progress';
      });
      expect(response.output_text).toBe('');
      await decideNext({ verdict: 'approve' });
      response = await client.responses.retrieve(response.id);
      expect(response).toMatchObject({ status: 'completed', output_text: 'You said: Hello' });
      expect(response.usage).toMatchObject({ input_tokens: 3, output_tokens: 5, total_tokens: 8 });
    });

    it('are held without background', async () => {
      const answer = client.responses.create({
        model: 'gpt-x',
        instructions: 'Be brief.',
        input: [{ role: 'user', content: [{ type: 'input_text', text: 'Hello' }] }],
      });
      await decideNext({ verdict: 'approve' });
      expect((await answer).status).toBe('completed');
      expect(stack.stub.requests.at(-1)?.body).toEqual({
        model: 'gpt-x',
        messages: [
          { role: 'system', content: 'Be brief.' },
          { role: 'user', content: [{ type: 'text', text: 'Hello' }] },
        ],
      });
    });

    it('are incomplete with the reason content_filter when rejected', async () => {
      const { id } = await client.responses.create({ model: 'gpt-x', input: 'Hello', background: true });
      await decideNext({ verdict: 'reject' });
      expect(await client.responses.retrieve(id)).toMatchObject({
        status: 'incomplete',
        incomplete_details: { reason: 'content_filter' },
        output: [],
      });
    });

    it('can be cancelled, again and again', async () => {
      const { id } = await client.responses.create({ model: 'gpt-x', input: 'Hello', background: true });
      expect((await client.responses.cancel(id)).status).toBe('cancelled');
      expect((await client.responses.cancel(id)).status).toBe('cancelled');
      expect((await client.responses.retrieve(id)).status).toBe('cancelled');
    });

    it('throw NotFoundError for an id that no job has', async () => {
      for (const id of ['resp_1', 'resp_019a9f3e-5c1c-7b8a-9d2e-3f4a5b6c7d8e']) {
        const error = await client.responses.retrieve(id).catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(OpenAI.NotFoundError);
      }
    });

    it('refuse what is not understood, by name', async () => {
      const error: any = await client.responses
        .create({ model: 'gpt-x', input: 'Hello', previous_response_id: 'resp_1' })
        .catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ status: 400, param: 'previous_response_id' });
    });
  });
});
