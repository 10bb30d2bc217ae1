import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { completion, startStack, until, type Stack, type StubAnswer } from '@hitl/testing';
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
  /** What a call throws while the model answers so; what it returns otherwise. */
  async function whileModelAnswers(answer: StubAnswer, call: () => Promise<unknown>): Promise<unknown> {
    const usual = stack.stub.answer;
    stack.stub.answer = () => answer;
    try {
      return await call().catch((thrown: unknown) => thrown);
    } finally {
      stack.stub.answer = usual;
    }
  }
  /** Awaits an answer to its end. */
  async function read(answer: PromiseLike<unknown>): Promise<void> {
    const got = await answer;
    if (typeof got !== 'object' || got === null || !(Symbol.asyncIterator in got)) return;
    for await (const chunk of got as AsyncIterable<unknown>) expect(chunk).toBeDefined();
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

    it('throws UnprocessableEntityError with the reason when a reviewer rejects', async () => {
      const answer = client.chat.completions.create(QUESTION);
      const failure = answer.catch((error: unknown) => error);
      await decideNext({ verdict: 'reject', reason: 'internal', submitter_message: 'Not our tone.' });
      const error = await failure;
      expect(error).toBeInstanceOf(OpenAI.UnprocessableEntityError);
      expect(error).toMatchObject({ status: 422, code: 'answer_rejected' });
      expect((error as Error).message).toContain('Not our tone.');
      expect(JSON.stringify(error)).not.toContain('internal');
    });

    it('throws while streaming when a reviewer rejects', async () => {
      const answer = await client.chat.completions.create({ ...QUESTION, stream: true });
      const failure = (async () => {
        for await (const chunk of answer) expect(chunk).toBeUndefined();
      })().catch((error: unknown) => error);
      await decideNext({ verdict: 'reject' });
      expect(await failure).toMatchObject({ code: 'answer_rejected' });
    });

    it('throws when the hold runs out, names the job, and makes no second one when it asks again by itself', async () => {
      const before = await countJobs();
      const error: any = await client.chat.completions
        .create({ ...QUESTION, temperature: 0.1 }, { maxRetries: 1 })
        .catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(OpenAI.APIError);
      expect(error).toMatchObject({ status: 503, code: 'review_pending' });
      const id = error.error.job_id;
      expect(error.error.job_url).toBe(`/v1/jobs/${id}`);
      expect(error.headers.get('x-hitl-job-id')).toBe(id);
      expect(error.headers.get('x-should-retry')).toBe('true');
      expect(await countJobs()).toBe(before + 1);
      // Who asks the same again is told of the end that it has missed.
      await stack.decide(id, { verdict: 'reject' });
      const again = client.chat.completions.create({ ...QUESTION, temperature: 0.1 });
      expect(await again.catch((thrown: unknown) => thrown)).toMatchObject({ code: 'answer_rejected' });
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

    it.each([
      ['held', { ...QUESTION }],
      ['streaming', { ...QUESTION, stream: true as const }],
    ])('throws at once, with the code of the model, when it refuses for good: %s', async (_how, question) => {
      const before = await countJobs();
      const told = { code: 'context_length_exceeded', type: 'invalid_request_error', param: 'messages' };
      const error = await whileModelAnswers(
        { status: 400, body: { error: { message: 'Too long.', ...told } } },
        () => read(client.chat.completions.create(question)),
      );
      expect(error).toMatchObject({ ...told, error: { provider_status: 400 } });
      if (!('stream' in question)) expect(error).toMatchObject({ status: 422 });
      expect((error as Error).message).toContain('Too long.');
      expect(await countJobs()).toBe(before + 1);
    });

    it('throws when the model answers 200 with an error, which no reviewer gets to see', async () => {
      const error = await whileModelAnswers({ body: { error: { message: 'No credits.', code: 402 } } }, () =>
        client.chat.completions.create(QUESTION),
      );
      expect(error).toMatchObject({ status: 422, code: 'inference_failed' });
      expect((await stack.http.get('/v1/reviews')).body.data).toEqual([]);
    });

    it('passes on NUL and half surrogate pairs, and values of metadata that are no text', async () => {
      const content = 'a\0b\u001a\ud83d';
      const metadata: any = { customer: 4711, flags: [true] };
      const answer = client.chat.completions.create({
        ...QUESTION,
        messages: [{ role: 'user', content }],
        metadata,
      });
      const id = await decideNext({ verdict: 'approve' });
      expect((await answer).choices[0]?.message.content).toBe(`You said: ${content}`);
      expect(stack.stub.requests.at(-1)?.body).toMatchObject({ messages: [{ content }], metadata });
      expect((await stack.http.get(`/v1/jobs/${id}`)).body.metadata).toEqual({
        customer: '4711',
        flags: '[true]',
      });
    });

    it('keeps them when a reviewer edits the answer', async () => {
      const answer = client.chat.completions.create(QUESTION);
      await decideNext({ verdict: 'edit', response: 'c\0d\ude00' });
      expect((await answer).choices[0]?.message.content).toBe('c\0d\ude00');
    });

    it('streams all that the model has answered', async () => {
      const more = { system_fingerprint: 'fp_7', provider: 'P', citations: ['https://example.com'] };
      const message = { role: 'assistant', content: 'a', reasoning_content: 'hm' };
      const answer = {
        ...completion('a'),
        ...more,
        choices: [{ index: 0, message, finish_reason: 'length', seed: 7 }],
      };
      const chunks: any[] = [];
      await whileModelAnswers({ body: answer }, async () => {
        const stream = client.chat.completions.create({ ...QUESTION, stream: true });
        await decideNext({ verdict: 'approve' });
        for await (const chunk of await stream) chunks.push(chunk);
      });
      expect(Object.assign({}, ...chunks)).toMatchObject({ ...more, usage: { total_tokens: 8 } });
      expect(Object.assign({}, ...chunks.map(({ choices }) => choices[0]))).toMatchObject({
        finish_reason: 'length',
        seed: 7,
      });
      expect(chunks[0].choices[0].delta).toMatchObject({ role: 'assistant', reasoning_content: 'hm' });
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

  it('models.retrieve reads what models.list names, and throws NotFoundError for anything else', async () => {
    expect(await client.models.retrieve('stub')).toMatchObject({ id: 'stub', object: 'model' });
    const error = await client.models.retrieve('some/model').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(OpenAI.NotFoundError);
    expect(error).toMatchObject({ code: 'model_not_found', param: 'model' });
    expect((error as Error).message).toContain('"some/model"');
  });

  it('is told in words what is not offered here', async () => {
    const input = 'a';
    const errors = await Promise.all(
      [
        client.embeddings.create({ model: 'm', input }),
        client.moderations.create({ input }),
        client.completions.create({ model: 'm', prompt: input }),
        client.files.list(),
        new OpenAI({ baseURL: stack.url, apiKey: 'unused' }).chat.completions.create(QUESTION),
        new OpenAI({ baseURL: `${stack.url}/v1/v1`, apiKey: 'unused' }).chat.completions.create(QUESTION),
      ].map((call) => call.then(() => null).catch((thrown: unknown) => thrown as Error)),
    );
    for (const error of errors) {
      expect(error).toBeInstanceOf(OpenAI.NotFoundError);
      expect(error?.message).toContain('This server has POST /v1/chat/completions');
    }
    expect(errors.slice(-2).map((error) => error?.message)).toEqual([
      expect.stringContaining('base URL must end in /v1'),
      expect.stringContaining('base URL must end in /v1'),
    ]);
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

    it('throw the words of the reviewer when they are held and rejected', async () => {
      const answer = client.responses
        .create({ model: 'gpt-x', input: 'Hello' })
        .catch((thrown: unknown) => thrown);
      await decideNext({ verdict: 'reject', submitter_message: 'Not our tone.' });
      const error = await answer;
      expect(error).toBeInstanceOf(OpenAI.UnprocessableEntityError);
      expect(error).toMatchObject({ code: 'answer_rejected', type: 'invalid_request_error' });
      expect((error as Error).message).toContain('Not our tone.');
    });

    it('throw the error of the model', async () => {
      const told = { code: 'model_not_found', type: 'invalid_request_error', param: 'model' };
      const error = await whileModelAnswers(
        { status: 404, body: { error: { message: 'No such model', ...told } } },
        () => client.responses.create({ model: 'gpt-x', input: 'Hello' }),
      );
      expect(error).toMatchObject({ status: 422, ...told });
    });

    it('call tools, and go on with what these said', async () => {
      const tools = [
        { type: 'function' as const, name: 'add', parameters: { type: 'object' }, strict: false },
      ];
      const call = { id: 'c1', type: 'function', function: { name: 'add', arguments: '{"a":1}' } };
      const calling = {
        ...completion(''),
        choices: [
          {
            index: 0,
            message: { role: 'assistant', content: null, tool_calls: [call] },
            finish_reason: 'tool_calls',
          },
        ],
      };
      let first: OpenAI.Responses.Response | undefined;
      await whileModelAnswers({ body: calling }, async () => {
        const answer = client.responses.create({
          model: 'gpt-x',
          input: 'Add',
          tools,
          tool_choice: 'required',
        });
        await decideNext({ verdict: 'approve' });
        first = await answer;
      });
      expect(stack.stub.requests.at(-1)?.body).toMatchObject({
        tools: [{ type: 'function', function: { name: 'add' } }],
        tool_choice: 'required',
      });
      expect(first?.output).toMatchObject([
        { type: 'function_call', call_id: 'c1', name: 'add', arguments: '{"a":1}' },
      ]);
      const second = client.responses.create({
        model: 'gpt-x',
        input: [
          { role: 'user', content: 'Add' },
          { type: 'item_reference', id: String(first?.output[0]?.id) },
          { type: 'function_call_output', call_id: 'c1', output: '2' },
        ],
        tools,
      });
      await decideNext({ verdict: 'approve' });
      expect((await second).output_text).toBe('You said: 2');
      expect((stack.stub.requests.at(-1)?.body as any).messages).toEqual([
        { role: 'user', content: 'Add' },
        { role: 'assistant', content: null, tool_calls: [call] },
        { role: 'tool', tool_call_id: 'c1', content: '2' },
      ]);
    });

    it('may refer to earlier answers, once a human has approved these', async () => {
      const { id } = await client.responses.create({ model: 'gpt-x', input: 'One', background: true });
      const input = [
        { type: 'item_reference' as const, id: id.replace('resp_', 'msg_') },
        { role: 'user' as const, content: 'Two' },
      ];
      const refused = await client.responses
        .create({ model: 'gpt-x', input })
        .catch((thrown: unknown) => thrown);
      expect(refused).toMatchObject({ status: 400, param: 'input[0].id' });
      await decideNext({ verdict: 'approve' });
      const answer = client.responses.create({ model: 'gpt-x', input });
      await decideNext({ verdict: 'approve' });
      expect((await answer).output_text).toBe('You said: Two');
      expect((stack.stub.requests.at(-1)?.body as any).messages[0]).toEqual({
        role: 'assistant',
        content: [{ type: 'text', text: 'You said: One' }],
      });
    });

    it('limit the output by the name that the model takes', async () => {
      const usual = stack.stub.answer;
      stack.stub.answer = (request, index) => {
        const { model, max_tokens: limit } = request.body as any;
        if (model !== 'renamed' || limit === undefined) return usual(request, index);
        const message = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.";
        return {
          status: 400,
          body: { error: { message, param: 'max_tokens', code: 'unsupported_parameter' } },
        };
      };
      const answer = client.responses.create({ model: 'renamed', input: 'Hello', max_output_tokens: 50 });
      await decideNext({ verdict: 'approve' });
      expect(await answer).toMatchObject({ status: 'completed', max_output_tokens: 50 });
      stack.stub.answer = usual;
      expect(stack.stub.requests.at(-1)?.body).toMatchObject({ max_completion_tokens: 50 });
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
