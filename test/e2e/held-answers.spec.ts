import { createServer, request as httpRequest, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { completion, startStack, until, type Stack } from '@hitl/testing';
import OpenAI from 'openai';
import { Asked, call, chat } from './held-call';

let questions = 0;
/** A question that nobody has asked before. */
const aQuestion = () => `question ${++questions}`;

interface Proxy {
  url: string;
  server: Server;
  /** How many connections it has cut. */
  cuts: number;
  /** How many answers have begun. */
  begun: number;
}

/** A proxy that cuts a connection which is silent for `idleMs`, as load balancers do. */
async function startProxy(target: string, idleMs: number): Promise<Proxy> {
  const server = createServer((request, response) => {
    const { method, headers, url = '' } = request;
    const upstream = httpRequest(`${target}${url}`, { method, headers }, (answer) => {
      proxy.begun += 1;
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    upstream.setTimeout(idleMs, () => {
      proxy.cuts += 1;
      upstream.destroy();
      if (response.headersSent) response.destroy();
      else response.writeHead(504).end();
    });
    upstream.on('error', () => undefined);
    request.pipe(upstream);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const proxy: Proxy = { url: `http://127.0.0.1:${port}`, server, cuts: 0, begun: 0 };
  return proxy;
}

describe('an answer that is held for long', () => {
  let stack: Stack;
  let asked: Asked;
  beforeAll(async () => {
    // A hundredth of the times of a production system.
    stack = await startStack('standalone', { HOLD_BEAT_MS: '2400' });
    asked = new Asked(stack);
  });
  afterAll(() => stack.stop());

  /** Waits until the answer has begun. */
  const begins = async ({ status }: { status: Promise<number> }): Promise<void> => {
    expect(await status).toBe(200);
  };

  describe('begins with white space once only the human is missing', () => {
    it('and is the approved answer', async () => {
      const content = aQuestion();
      const held = call(stack.url, chat(content));
      const job = await asked.waiting(content, 'waiting');
      await begins(held);
      expect((await held.headers).get('content-type')).toBe('application/json; charset=utf-8');
      expect((await held.headers).get('x-hitl-job-id')).toBe(job.id);
      await asked.decide(job.id, { verdict: 'edit', response: 'edited' });
      expect(await held.text).toMatch(/^ +\{/);
      expect((await held.body).choices[0].message.content).toBe('edited');
    });

    it('and is a refusal with the message for the submitter when it is rejected', async () => {
      const content = aQuestion();
      const held = call(stack.url, chat(content));
      const job = await asked.waiting(content, 'waiting');
      await begins(held);
      await asked.decide(job.id, { verdict: 'reject', reason: 'secret', submitter_message: 'Not our tone.' });
      const body = await held.body;
      expect(body).toMatchObject({ object: 'chat.completion', model: 'stub' });
      expect(body.choices).toEqual([
        {
          index: 0,
          message: { role: 'assistant', content: null, refusal: 'Not our tone.' },
          logprobs: null,
          finish_reason: 'content_filter',
        },
      ]);
      expect(await held.text).not.toContain('secret');
    });

    it('and is an incomplete response with the refusal on the Responses door', async () => {
      const input = aQuestion();
      const held = call(stack.url, { model: 'stub', input }, { path: '/v1/responses' });
      const job = await asked.waiting(input, 'waiting');
      await begins(held);
      await asked.decide(job.id, { verdict: 'reject', submitter_message: 'Not our tone.' });
      expect(await held.body).toMatchObject({
        id: `resp_${job.id}`,
        status: 'incomplete',
        incomplete_details: { reason: 'content_filter' },
      });
    });

    it('and is a refusal when the job is cancelled', async () => {
      const content = aQuestion();
      const held = call(stack.url, chat(content));
      const job = await asked.waiting(content, 'waiting');
      await begins(held);
      await stack.http.post(`/v1/jobs/${job.id}/cancel`);
      expect((await held.body).choices[0]).toMatchObject({ finish_reason: 'content_filter' });
    });

    it('but not while the model works: a failure is told by its status', async () => {
      const usual = stack.stub.answer;
      let fail = (): void => undefined;
      const failed = new Promise<void>((resolve) => (fail = resolve));
      stack.stub.answer = async () => {
        await failed;
        return { status: 400, body: { error: { message: 'no such model' } } };
      };
      const content = aQuestion();
      const since = Date.now();
      const held = call(stack.url, chat(content));
      await until('longer than HOLD_BEAT_MS', () => Date.now() - since > 3000);
      fail();
      expect(await held.status).toBeGreaterThanOrEqual(400);
      stack.stub.answer = usual;
    });

    it('and a client that is cut off nevertheless gets its job when it comes back', async () => {
      const content = aQuestion();
      const held = call(stack.url, chat(content));
      const job = await asked.waiting(content, 'waiting');
      await begins(held);
      held.leave();
      await asked.waiting(content, 'gone');
      const again = call(stack.url, chat(content));
      await asked.waiting(content, 'waiting');
      await asked.decide(job.id);
      expect((await again.body).choices[0].message.content).toBe(`You said: ${content}`);
      expect(await asked.jobs(content)).toHaveLength(1);
    });
  });

  describe('with the official SDK', () => {
    const client = (url = stack.url, options = {}) =>
      new OpenAI({ baseURL: `${url}/v1`, apiKey: 'unused', ...options });

    it('comes although the SDK gives up and repeats before', async () => {
      const content = aQuestion();
      let tries = 0;
      const counting: typeof fetch = (...request) => {
        tries += 1;
        return fetch(...request);
      };
      const held = client(stack.url, { timeout: 1500, fetch: counting })
        .chat.completions.create(chat(content))
        .withResponse();
      const job = await asked.waiting(content, 'waiting');
      await until('it was sent again', () => tries === 2);
      await asked.decide(job.id);
      const { data, response } = await held;
      expect(data.choices[0]?.message.content).toBe(`You said: ${content}`);
      expect(response.headers.get('x-hitl-job-id')).toBe(job.id);
      expect(await asked.jobs(content)).toHaveLength(1);
    });

    it('that has no try left is named before its time is over', async () => {
      const content = aQuestion();
      // The SDK says how long it waits only where the request itself was given a time.
      const error: any = await client()
        .chat.completions.create(chat(content), { timeout: 3000, maxRetries: 0 })
        .catch((thrown: unknown) => thrown);
      const [job] = await asked.jobs(content);
      expect(error).toMatchObject({ code: 'review_pending' });
      expect(error.error.job_id).toBe(job.id);
      expect(error.message).toContain(`/v1/jobs/${job.id}`);
      expect(error.message).toContain('send the same request again');
      expect(error.headers.get('x-should-retry')).toBe('true');
      expect(error.headers.get('retry-after')).toBe('1');
      await stack.reaches(job.id, 'human');
      expect(await asked.client(job.id)).toBe('gone');
    });

    it('comes through a proxy that cuts idle connections, however long it takes', async () => {
      const proxy = await startProxy(stack.url, 1000);
      const content = aQuestion();
      const answer = client(proxy.url).chat.completions.create(chat(content));
      const job = await asked.waiting(content, 'waiting');
      await until('an answer has begun', () => proxy.begun > 0);
      const since = Date.now();
      await until('three times as long as the proxy stays idle', () => Date.now() - since > 3000);
      await asked.decide(job.id);
      expect((await answer).choices[0]?.message.content).toBe(`You said: ${content}`);
      expect(proxy.cuts).toBe(1);
      expect(await asked.jobs(content)).toHaveLength(1);
      proxy.server.close();
    });
  });
});

/** What the chunks of a stream say together, in their content or in the arguments of the one call. */
function saidIn(sent: string): string {
  return sent
    .split('\n')
    .filter((line) => line.startsWith('data: {'))
    .map((line) => JSON.parse(line.slice(6)).choices[0]?.delta)
    .map((delta) => delta?.content ?? delta?.tool_calls?.[0]?.function.arguments ?? '')
    .join('');
}

/** A completion that calls a function with one long argument. */
const calling = (text: string): object => ({
  ...completion(''),
  choices: [
    {
      index: 0,
      message: {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'say', arguments: text } }],
      },
      finish_reason: 'tool_calls',
    },
  ],
});

describe('a stream that is held for long', () => {
  let stack: Stack;
  let asked: Asked;
  beforeAll(async () => {
    stack = await startStack('standalone');
    asked = new Asked(stack);
  });
  afterAll(() => stack.stop());

  it('sends empty chunks, names the role once, and makes one message', async () => {
    const content = aQuestion();
    const client = new OpenAI({ baseURL: `${stack.url}/v1`, apiKey: 'unused' });
    const stream = client.chat.completions.stream(chat(content));
    const chunks: OpenAI.ChatCompletionChunk[] = [];
    const job = asked.waiting(content, 'waiting');
    for await (const chunk of stream) {
      chunks.push(chunk);
      if (chunks.length === 1) await asked.decide((await job).id);
    }
    expect(chunks[0]?.choices[0]?.delta).toEqual({ role: 'assistant' });
    expect(chunks.filter(({ choices }) => choices[0]?.delta.role !== undefined)).toHaveLength(1);
    const { choices } = await stream.finalChatCompletion();
    expect(choices[0]?.message).toMatchObject({ role: 'assistant', content: `You said: ${content}` });
  });

  it('carries no line separators of Unicode: clients that split lines there could not read it', async () => {
    const text = 'one\u2028two\u2029three\u0085four';
    stack.stub.answer = () => ({ body: completion(text) });
    const content = aQuestion();
    const held = call(stack.url, { ...chat(content), stream: true });
    await asked.decide((await asked.waiting(content, 'waiting')).id);
    const sent = await held.text;
    expect(sent).not.toMatch(/[\u0085\u2028\u2029]/);
    expect(saidIn(sent)).toBe(text);
  });

  it.each([
    ['a text', completion],
    ['the arguments of a call', calling],
  ])('carries %s of megabytes to its end', async (_what, answer) => {
    const text = 'A long answer. '.repeat(100_000);
    stack.stub.answer = () => ({ body: answer(text) });
    const content = aQuestion();
    const held = call(stack.url, { ...chat(content), stream: true });
    await asked.decide((await asked.waiting(content, 'waiting')).id);
    const sent = await held.text;
    expect(sent.endsWith('data: [DONE]\n\n')).toBe(true);
    expect(saidIn(sent) === text).toBe(true);
  });
});

describe('a hold that ends before anybody has decided', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack('standalone', { HOLD_TIMEOUT_MS: '1500' });
  });
  afterAll(() => stack.stop());

  it('says that the human is missing', async () => {
    const content = aQuestion();
    await until('the human is missing', async () => {
      const { error } = await call(stack.url, chat(content)).body;
      return /^No human has decided yet\./.test(error.message);
    });
    // However often it was asked.
    expect((await stack.http.get('/v1/jobs')).body.data).toHaveLength(1);
  });

  it('says that the model is missing while it asked to be left alone', async () => {
    stack.stub.answer = () => ({ status: 429, headers: { 'retry-after': '3600' }, body: {} });
    const held = call(stack.url, chat(aQuestion()));
    const { error } = await held.body;
    expect(error.code).toBe('review_pending');
    expect(error.message).toMatch(/^The model has not responded yet\./);
    expect((await stack.http.get(error.job_url)).body.status).toBe('bot');
  });
});
