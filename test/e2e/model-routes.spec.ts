import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  copyEmbeddedDatabase,
  createClient,
  runService,
  startModelStub,
  startStack,
  testAmqpUrl,
  until,
  type ModelStub,
  type Stack,
  type StubAnswer,
} from '@hitl/testing';

const folder = mkdtempSync(join(tmpdir(), 'hitl-routes-'));
const file = join(folder, 'routes.json');
afterAll(() => rmSync(folder, { recursive: true }));

const RESET_MS = 1000;
const TOKENS = { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 };

describe('MODEL_ROUTES_FILE', () => {
  let stack: Stack;
  let stub: ModelStub;
  let usual: ModelStub['answer'];
  let answers: Record<string, () => StubAnswer | Promise<StubAnswer>>;

  beforeAll(async () => {
    stub = await startModelStub();
    usual = stub.answer;
    const provider = (name: string, more = {}) => ({
      type: 'openai',
      base_url: `${stub.url}/${name}`,
      ...more,
    });
    const routes = {
      providers: {
        first: provider('first', { api_key_env: 'FIRST_KEY', timeout_ms: 300 }),
        second: provider('second'),
        sick: provider('sick', { circuit_breaker: { failures: 2, reset_ms: RESET_MS } }),
        narrow: provider('narrow', { concurrency: 2 }),
        claude: provider('claude', { type: 'anthropic', api_key_env: 'CLAUDE_KEY' }),
      },
      models: [
        {
          name: 'gpt-*',
          providers: ['first', 'second'],
          price: { input_per_million: 2.5, output_per_million: 10 },
        },
        { name: 'circuit', providers: ['sick', 'second'] },
        { name: 'narrow', providers: ['narrow'] },
        { name: 'claude-*', providers: ['claude'] },
      ],
    };
    writeFileSync(file, JSON.stringify(routes));
    stack = await startStack('services', {
      MODEL_ROUTES_FILE: file,
      FIRST_KEY: 'sk-first',
      CLAUDE_KEY: 'sk-claude',
    });
  });
  beforeEach(() => {
    answers = {};
    stub.requests.length = 0;
    stub.answer = (request, index) => answers[nameIn(request.path)]?.() ?? usual(request, index);
  });
  afterAll(async () => {
    await stack.stop();
    await stub.close();
  });

  const nameIn = (path: string): string => path.split('/')[2] ?? '';
  const called = (): string[] => stub.requests.map(({ path }) => nameIn(path));
  const chat = (model: string) => ({ model, messages: [{ role: 'user', content: 'Hi' }] });
  const ask = async (model: string): Promise<string> => (await stack.submit(chat(model))).id;
  async function answered(model: string): Promise<string> {
    const id = await ask(model);
    await stack.reaches(id, 'human');
    return id;
  }
  const usageOf = async (id: string) =>
    (await stack.database.query('SELECT usage FROM jobs WHERE id = $1', [id]))[0]?.usage;

  it('records usage and cost on the job, and adds those of a second answer', async () => {
    const id = await answered('gpt-4o');
    expect(called()).toEqual(['first']);
    expect(stub.requests[0]?.headers.authorization).toBe('Bearer sk-first');
    expect(await usageOf(id)).toEqual({ ...TOKENS, cost: 0.000058 });

    await stack.decide(id, { verdict: 'regenerate' });
    await until(
      'the second answer',
      async () => (await stack.http.get(`/v1/jobs/${id}`)).body.revision === 2,
    );
    expect(await usageOf(id)).toEqual({
      prompt_tokens: 6,
      completion_tokens: 10,
      total_tokens: 16,
      cost: 0.000116,
    });
  });

  it.each<[string, StubAnswer]>([
    ['answers 500', { status: 500, body: {} }],
    ['hangs', 'hang'],
  ])('falls back on the next provider, in the same attempt, when the first one %s', async (_what, answer) => {
    answers = { first: () => answer };
    const id = await ask('gpt-4o');
    expect((await stack.reaches(id, 'human')).attempts).toBe(1);
    expect(called()).toEqual(['first', 'second']);
    const [event] = await stack.database.query(
      `SELECT data FROM job_events WHERE job_id = $1 AND type = 'inferred'`,
      [id],
    );
    expect(event?.data).toMatchObject({ provider: 'second', usage: TOKENS });
  });

  it('does not fall back on an error that stays', async () => {
    answers = { first: () => ({ status: 400, body: { error: { message: 'no' } } }) };
    const { failure } = await stack.reaches(await ask('gpt-4o'), 'fail');
    expect(failure.detail).toBe('The model returned 400: no');
    expect(called()).toEqual(['first']);
  });

  it('fails a job at once whose model nobody takes', async () => {
    const { failure, attempts } = await stack.reaches(await ask('llama'), 'fail');
    expect(failure.detail).toBe(
      'No provider takes the model "llama". Offered: gpt-*, circuit, narrow, claude-*.',
    );
    expect(attempts).toBe(1);
  });

  it('spares a provider that keeps failing, and comes back to it', async () => {
    const circuit = async () =>
      /hitl_circuit_state\{provider="sick"\} (\d)/.exec(
        (await createClient(stack.processes[1]!.url).get('/metrics')).text,
      )?.[1];
    answers = { sick: () => ({ status: 503, body: {} }) };
    for (let job = 0; job < 2; job += 1) await answered('circuit');
    expect(called()).toEqual(['sick', 'second', 'sick', 'second']);
    expect(await circuit()).toBe('2');
    await answered('circuit');
    expect(called().slice(4)).toEqual(['second']);

    answers = {};
    await until('the provider is tried again', async () => {
      await answered('circuit');
      return called().at(-1) === 'sick';
    });
    expect(await circuit()).toBe('0');
  });

  it('calls a provider no more often at once than it may be, and answers all', async () => {
    let calls = 0;
    let most = 0;
    answers = {
      narrow: async () => {
        calls += 1;
        most = Math.max(most, calls);
        await delay(50);
        calls -= 1;
        return { body: { choices: [{ index: 0, message: { role: 'assistant', content: 'ok' } }] } };
      },
    };
    const ids = await Promise.all(Array.from({ length: 8 }, () => answered('narrow')));
    expect(most).toBe(2);
    expect(called()).toHaveLength(8);
    expect(await usageOf(ids[0]!)).toBeNull();
  });

  it("answers a chat by Anthropic's Messages API", async () => {
    const id = await answered('claude-x');
    const [{ path, headers, body } = stub.requests[0]!] = stub.requests;
    expect(path).toBe('/v1/claude/messages');
    expect(headers).toMatchObject({ 'x-api-key': 'sk-claude', 'anthropic-version': '2023-06-01' });
    expect(body).toMatchObject({ model: 'claude-x', max_tokens: 4096 });
    expect((await stack.decide(id, { verdict: 'approve' })).body.response).toMatchObject({
      object: 'chat.completion',
      choices: [{ message: { role: 'assistant' }, finish_reason: 'stop' }],
    });
    expect(await usageOf(id)).toEqual(TOKENS);
  });

  it('never logs a key', () => {
    const logs = stack.processes.flatMap((process) => process.logs).join('\n');
    expect(logs).not.toMatch(/sk-/);
  });

  it.each(['inference-worker', 'standalone'] as const)(
    'stops the boot of %s and names every fault',
    async (app) => {
      const wrong = join(folder, 'wrong.yaml');
      writeFileSync(
        wrong,
        `providers: { a: { type: openai, base_url: sk-hidden, api_key_env: NOT_SET, retries: 3 } }
models: [{ name: m, providers: [b] }]`,
      );
      const dataDir = join(folder, 'data');
      if (app === 'standalone') copyEmbeddedDatabase(dataDir);
      const env = app === 'standalone' ? { DATA_DIR: dataDir } : services();
      const { code, stderr } = await runService(app, [], { ...env, MODEL_ROUTES_FILE: wrong });
      expect(code).toBe(1);
      expect(stderr).toContain(
        `${app} cannot start. MODEL_ROUTES_FILE=${wrong} cannot be used:
  /providers/a/base_url: must be an http:// or https:// URL (line 1)
  /providers/a/api_key_env: the environment variable NOT_SET is not set (line 1)
  /providers/a/retries: there is no such key; known are type, base_url, api_key_env, timeout_ms, concurrency, circuit_breaker, model, price (line 1)
  /models/0/providers: there is no provider "b" (line 2)
`,
      );
      expect(stderr).not.toContain('hidden');
    },
  );

  const services = () => ({ DATABASE_URL: stack.database.url, AMQP_URL: testAmqpUrl() });
});
