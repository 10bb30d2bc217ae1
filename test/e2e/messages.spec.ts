import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import Anthropic from '@anthropic-ai/sdk';
import {
  anthropicMessage,
  startModelStub,
  startStack,
  until,
  type ModelStub,
  type Stack,
  type StubAnswer,
} from '@hitl/testing';
import { Asked, call } from './held-call';

const PAY = {
  name: 'pay',
  input_schema: { type: 'object' as const, properties: { amount: { type: 'number' } } },
};
const USE = { type: 'tool_use', id: 'toolu_1', name: 'pay', input: { amount: 400 } };
const CALLING = { ...(anthropicMessage('I pay.') as { content: object[] }), stop_reason: 'tool_use' };
CALLING.content = [{ type: 'thinking', thinking: 'Much.', signature: 'sig' }, ...CALLING.content, USE];

describe('the official Anthropic SDK', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hitl-messages-'));
  let stack: Stack;
  let stub: ModelStub;
  let usual: ModelStub['answer'];
  let client: Anthropic;
  let asked: Asked;

  beforeAll(async () => {
    stub = await startModelStub();
    usual = stub.answer;
    const file = join(folder, 'routes.json');
    const providers = {
      claude: { type: 'anthropic', base_url: stub.url, api_key_env: 'CLAUDE_KEY' },
      gpt: { type: 'openai', base_url: stub.url },
    };
    const models = [
      { name: 'claude-*', providers: ['claude'] },
      { name: 'gpt-*', providers: ['gpt'] },
    ];
    writeFileSync(file, JSON.stringify({ providers, models }));
    stack = await startStack('standalone', { MODEL_ROUTES_FILE: file, CLAUDE_KEY: 'sk-claude' });
    client = new Anthropic({ baseURL: stack.url, apiKey: 'unused' });
    asked = new Asked(stack);
  });
  beforeEach(() => {
    stub.answer = usual;
  });
  afterAll(async () => {
    await stack.stop();
    await stub.close();
    rmSync(folder, { recursive: true });
  });

  const question = (content: string, more: object = {}) => ({
    model: 'claude-x',
    max_tokens: 100,
    messages: [{ role: 'user' as const, content }],
    ...more,
  });
  const answering = (answer: StubAnswer): void => {
    stub.answer = () => answer;
  };
  /** Decides on the one job for a question once it waits for a human. */
  async function decide(content: string, decision: object = { verdict: 'approve' }): Promise<any> {
    const job = await until(`${content} is to be reviewed`, async () => {
      const [only] = await asked.jobs(content);
      return only?.status === 'human' && only;
    });
    await asked.decide(job.id, decision);
    return job;
  }
  const failureOf = (answer: PromiseLike<unknown>): Promise<any> =>
    Promise.resolve(answer).then(
      () => undefined,
      (error: unknown) => error,
    );
  const countOf = async (content: string): Promise<number> => (await asked.jobs(content)).length;

  it('is answered with the approved message, and its request goes to the provider with its headers', async () => {
    const sent = { 'anthropic-version': '2023-06-01', 'anthropic-beta': 'first-2025-01-01,second' };
    const answer = client.messages
      .create(question('Plain?', { temperature: 0.5 }), { headers: sent })
      .withResponse();
    const job = await decide('Plain?');
    const { data, response } = await answer;
    expect(data).toMatchObject(anthropicMessage('You said: Plain?'));
    expect(response.headers.get('x-hitl-job-id')).toBe(job.id);
    expect(response.headers.get('request-id')).toBe(response.headers.get('x-request-id'));
    expect(stub.requests.at(-1)).toMatchObject({
      path: '/v1/messages',
      headers: {
        'x-api-key': 'sk-claude',
        ...sent,
      },
      body: question('Plain?', { temperature: 0.5 }),
    });
    expect(await countOf('Plain?')).toBe(1);
  });

  it('gets every byte of the message, and the provider every byte of the request', async () => {
    const text =
      '{ "role":"assistant","type":"message", "content":[{"type":"new","n":1.0}],"n":12345678901234567890}';
    answering({ text });
    const request =
      '{"model":"claude-x", "tools":[{"type":"code_20991231","name":"code"}],"messages":[{"role":"user","content":"Bytes?"}],"n":1e2}';
    const reply = fetch(`${stack.url}/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: request,
    });
    await decide('Bytes?');
    expect(await (await reply).text()).toBe(text);
    expect(stub.requests.at(-1)?.text).toBe(request);
  });

  it('calls tools with the arguments that a human has edited, and goes on with their result', async () => {
    answering({ body: CALLING });
    const first = client.messages.create(question('Pay them.', { tools: [PAY] }));
    const edited = {
      ...CALLING,
      content: [...CALLING.content.slice(0, -1), { ...USE, input: { amount: 4 } }],
    };
    const job = await until('the call is to be reviewed', async () => {
      const [only] = await asked.jobs('Pay them.');
      return only?.status === 'human' && only;
    });
    const broken = { ...edited, content: [{ ...USE, input: { amount: 'four' } }] };
    const refused = await stack.decide(job.id, { verdict: 'edit', response: broken });
    expect(refused.body).toMatchObject({ status: 422, code: 'schema_mismatch' });
    await asked.decide(job.id, { verdict: 'edit', response: edited });
    const { content, stop_reason: reason } = await first;
    expect(reason).toBe('tool_use');
    expect(content.at(-1)).toEqual({ ...USE, input: { amount: 4 } });
    stub.answer = usual;
    const thread = [
      ...question('Pay them.').messages,
      { role: 'assistant' as const, content },
      {
        role: 'user' as const,
        content: [{ type: 'tool_result' as const, tool_use_id: USE.id, content: 'Paid.' }],
      },
      { role: 'user' as const, content: 'And now?' },
    ];
    const second = client.messages.create({ ...question(''), tools: [PAY], messages: thread });
    await decide('And now?');
    expect((await second).content).toEqual([{ type: 'text', text: 'You said: And now?' }]);
    expect(stub.requests.at(-1)?.body).toMatchObject({ messages: thread });
    expect([await countOf('Pay them.'), await countOf('And now?')]).toEqual([1, 1]);
  });

  it('streams the whole message with its calls', async () => {
    answering({ body: CALLING });
    const stream = client.messages.stream(question('Stream it.', { tools: [PAY] }));
    const events: string[] = [];
    stream.on('streamEvent', ({ type }) => events.push(type));
    await decide('Stream it.');
    expect(await stream.finalMessage()).toMatchObject({
      content: CALLING.content,
      stop_reason: 'tool_use',
      usage: { output_tokens: 5 },
    });
    expect(events[0]).toBe('message_start');
    expect(events.at(-1)).toBe('message_stop');
    expect(stub.requests.at(-1)?.body).not.toHaveProperty('stream');
    expect(await countOf('Stream it.')).toBe(1);
  });

  it('is sent pings while it waits, and no part of a message that nobody has approved', async () => {
    const [plain, streamed] = [question('Hold it.'), question('Hold the stream.', { stream: true })];
    answering({ body: anthropicMessage('xylophone') });
    let bytes = '';
    const reading = (body: object) =>
      fetch(`${stack.url}/v1/messages`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }).then(async (response) => {
        for await (const chunk of response.body as unknown as AsyncIterable<Buffer>)
          bytes += Buffer.from(chunk).toString();
      });
    const both = [reading(plain), reading(streamed)];
    await until('a ping', () => bytes.includes('event: ping\ndata: {"type":"ping"}\n\n'));
    expect(bytes).not.toContain('xylophone');
    await decide('Hold it.');
    await decide('Hold the stream.', { verdict: 'reject', submitter_message: 'Not this.' });
    await Promise.all(both);
    expect(bytes.split('xylophone')).toHaveLength(2);
    expect(bytes).toContain('"stop_reason":"refusal"');
  });

  it.each([false, true])(
    'is told of a rejection by a message that declines, once (stream: %s)',
    async (isStream) => {
      const content = `Reject it, ${isStream}.`;
      const answer = isStream
        ? client.messages.stream(question(content)).finalMessage()
        : client.messages.create(question(content));
      await decide(content, { verdict: 'reject', reason: 'internal', submitter_message: 'Not our tone.' });
      const message = await answer;
      expect(message).toMatchObject({
        stop_reason: 'refusal',
        content: [{ type: 'text', text: 'Not our tone.' }],
      });
      expect(JSON.stringify(message)).not.toContain('internal');
      expect(await countOf(content)).toBe(1);
    },
  );

  it.each([false, true])('takes and delivers what is large (stream: %s)', async (isStream) => {
    const content = `Large, ${isStream}.`;
    const words = 'much to read '.repeat(20_000);
    answering({
      body: {
        ...CALLING,
        content: [
          { type: 'text', text: words },
          { ...USE, input: { words } },
        ],
      },
    });
    const asks = question(content, { system: words, tools: [PAY] });
    const answer = isStream ? client.messages.stream(asks).finalMessage() : client.messages.create(asks);
    await decide(content);
    expect((await answer).content).toEqual([
      { type: 'text', text: words },
      { ...USE, input: { words } },
    ]);
    expect(stub.requests.at(-1)?.body).toEqual(asks);
  });

  it('is answered with an edited text as a message', async () => {
    const answer = client.messages.create(question('Edit it.')).withResponse();
    await decide('Edit it.', { verdict: 'edit', response: 'Better.' });
    const { data, response } = await answer;
    expect(data).toMatchObject({ type: 'message', stop_reason: 'end_turn', content: [{ text: 'Better.' }] });
    expect(response.headers.get('x-hitl-edited')).toBe('true');
  });

  it('goes on with the message that a reviewer has sent back', async () => {
    const answer = client.messages.create(question('Again.'));
    const job = await decide('Again.', { verdict: 'regenerate', feedback: 'Shorter.' });
    await until('the model was asked again', async () => {
      const [only] = await asked.jobs('Again.');
      return only?.status === 'human' && only.revision !== job.revision;
    });
    expect(stub.requests.at(-1)).toMatchObject({
      headers: { 'anthropic-version': expect.stringMatching(/^\d{4}-\d\d-\d\d$/) },
      body: {
        messages: [
          { role: 'user', content: 'Again.' },
          { role: 'assistant', content: 'You said: Again.' },
          { role: 'user', content: 'Shorter.' },
        ],
      },
    });
    await asked.decide(job.id);
    expect((await answer).content).toEqual([{ type: 'text', text: 'You said: Shorter.' }]);
  });

  it('gets the job that it has when it goes and asks again, and another with other betas', async () => {
    const path = '/v1/messages';
    const first = call(stack.url, question('Come back.'), { path });
    const job = await asked.waiting('Come back.', 'waiting');
    first.leave();
    await asked.waiting('Come back.', 'gone');
    const other = call(stack.url, question('Come back.'), { path, headers: { 'anthropic-beta': 'other' } });
    await asked.count('Come back.', 2);
    expect(await asked.client(job.id)).toBe('gone');
    const again = call(stack.url, question('Come back.'), { path });
    await until('its client is back', async () => (await asked.client(job.id)) === 'waiting');
    await asked.decide(job.id);
    expect((await again.headers).get('x-hitl-job-id')).toBe(job.id);
    other.leave();
  });

  it('throws what is wrong with a request in its own classes, and makes no job', async () => {
    const noMessages = await failureOf(client.messages.create(question('', { messages: [] })));
    expect(noMessages).toBeInstanceOf(Anthropic.BadRequestError);
    expect(noMessages.error).toMatchObject({
      type: 'error',
      error: { type: 'invalid_request_error', param: 'messages', code: 'invalid_request' },
      request_id: noMessages.requestID,
    });
    const beta = { headers: { 'anthropic-beta': 'a b' } };
    const wrongBeta = await failureOf(client.messages.create(question('Beta.'), beta));
    expect(wrongBeta.error.error).toMatchObject({ param: 'anthropic-beta' });
    const tokens = await failureOf(client.messages.countTokens(question('Count.')));
    expect(tokens).toBeInstanceOf(Anthropic.NotFoundError);
    expect(tokens.message).toContain('does not count tokens');
    expect(await countOf('Beta.')).toBe(0);
  });

  it.each<[string, string, StubAnswer, object]>([
    [
      'the provider refuses it',
      'claude-x',
      refusal(400, 'invalid_request_error', 'Too long.'),
      { type: 'invalid_request_error', provider_status: 400 },
    ],
    [
      'the provider refuses our key',
      'claude-x',
      refusal(401, 'authentication_error', 'No.'),
      { type: 'api_error' },
    ],
    ['the provider does not speak it', 'gpt-x', {}, { type: 'api_error' }],
  ])('throws once, as no client repeats it, where %s', async (what, model, answer, expected) => {
    answering(answer);
    const content = `Fail: ${what}`;
    const error = await failureOf(client.messages.create(question(content, { model })));
    expect(error).toBeInstanceOf(Anthropic.UnprocessableEntityError);
    expect(error.error.error).toMatchObject({ code: 'inference_failed', ...expected });
    expect(await countOf(content)).toBe(1);
    const streamed = `Stream: ${what}`;
    const broken = await failureOf(client.messages.stream(question(streamed, { model })).finalMessage());
    expect(broken.error.error).toMatchObject({ code: 'inference_failed', ...expected });
    expect(await countOf(streamed)).toBe(1);
  });
});

function refusal(status: number, type: string, message: string): StubAnswer {
  return { status, body: { type: 'error', error: { type, message } } };
}
