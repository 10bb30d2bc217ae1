import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { JsonText } from '@hitl/domain';
import {
  jsonTexts,
  startModelStub,
  startStack,
  until,
  WAYS,
  type ModelStub,
  type Stack,
} from '@hitl/testing';
import fc from 'fast-check';

/** Lifecycles of each property; one carries many texts. */
const RUNS = { numRuns: 5, endOnFailure: true };
const contents = fc.oneof(
  jsonTexts.value,
  jsonTexts.object,
  fc.array(jsonTexts.value, { minLength: 10, maxLength: 30 }).map((texts) => `[ ${texts.join(',\n')}]`),
);
/** What a model may answer, and a reviewer deliver instead: null and an empty text are nothing. */
const answers = contents.filter((text) => text !== 'null' && text !== '""');
/** More than one read or one packet carries. */
const LONG = `"${'مرحبا 漢字 '.repeat(2500)}"`;

describe.each(WAYS)('bytes: $name', ({ way }) => {
  const folder = mkdtempSync(join(tmpdir(), 'hitl-verbatim-'));
  let stack: Stack;
  let stub: ModelStub;
  beforeAll(async () => {
    stub = await startModelStub();
    const file = join(folder, 'routes.json');
    const providers = {
      openai: { type: 'openai', base_url: stub.url },
      renamed: { type: 'openai', base_url: stub.url, model: 'stand-in' },
      claude: { type: 'anthropic', base_url: stub.url },
      http: { type: 'http', base_url: stub.url },
    };
    const models = [
      { name: 'chat', providers: ['openai'] },
      { name: 'renamed', providers: ['renamed'] },
      { name: 'claude', providers: ['claude'] },
      { name: '*', providers: ['http'] },
    ];
    writeFileSync(file, JSON.stringify({ providers, models }));
    stack = await startStack(way, { MODEL_ROUTES_FILE: file });
  });
  afterAll(async () => {
    await stack.stop();
    await stub.close();
    rmSync(folder, { recursive: true });
  });

  /** What the model got last. */
  const asked = (): string | undefined => stub.requests.at(-1)?.text;
  const says = (text: string): void => {
    stub.answer = () => ({ text });
  };
  /** A member of what an address answers, as it is written. */
  const read = async (path: string, name: string): Promise<string | undefined> =>
    new JsonText((await stack.http.get(path)).text).member(name)?.text;
  /** The same of the job in a list. */
  async function readListed(
    path: string,
    key: string,
    id: string,
    name: string,
  ): Promise<string | undefined> {
    const whole = new JsonText((await stack.http.get(path)).text);
    const jobs = (whole.member('data') ?? whole).items();
    return jobs.find((job) => job.member(key)?.value === id)?.member(name)?.text;
  }
  async function waiting(body: string): Promise<string> {
    const { status, body: job, text } = await stack.http.post('/v1/jobs', body);
    if (status !== 202) throw new Error(text);
    await stack.reaches(job.id, 'human');
    return job.id;
  }
  /** Calls a door, approves what waits, and returns what the client got. */
  async function held(path: string, body: string) {
    const answer = stack.http.post(path, body);
    const job = await until(
      'a job to review',
      async () => (await stack.http.get('/v1/reviews')).body.data[0],
    );
    expect((await stack.decide(job.id, { verdict: 'approve' })).status).toBe(200);
    return { id: job.id as string, ...(await answer) };
  }
  const completion = (extra: string, other: string): string =>
    `{"x":${extra}, "choices" : [ {"index":0,"message":{"role":"assistant","content":"Hi.","y":${other}},"finish_reason":"stop"} ],"created":1.7e9}`;
  /** Decides without reading or writing anything else of the job. */
  async function decide(id: string, decision: string): Promise<void> {
    const { status, text } = await stack.decide(id, decision);
    if (status !== 200) throw new Error(text);
  }

  it('of any JSON reach model, reviewer and client through the doors of jobs and reviews', async () => {
    await fc.assert(
      fc.asyncProperty(contents, answers, async (payload, answer) => {
        says(answer);
        const id = await waiting(`{"priority":3,"payload":${payload} , "metadata":{}}`);
        expect(asked()).toBe(payload);
        const bothOf = async (path: string) => [await read(path, 'payload'), await read(path, 'response')];
        expect(await bothOf(`/v1/jobs/${id}`)).toEqual([payload, 'null']);
        expect(await bothOf(`/v1/reviews/${id}`)).toEqual([payload, answer]);
        expect(await readListed('/v1/reviews', 'id', id, 'response')).toBe(answer);
        await decide(id, '{"verdict":"approve"}');
        for (const path of [`/v1/jobs/${id}`, `/v1/reviews/${id}`, `/job?id=${id}`]) {
          expect(await bothOf(path)).toEqual([payload, answer]);
        }
        for (const name of ['payload', 'response']) {
          const text = name === 'payload' ? payload : answer;
          expect(await readListed('/v1/jobs', 'id', id, name)).toBe(text);
          expect(await readListed('/jobs?status=success&limit=1000', 'job_id', id, name)).toBe(text);
        }
      }),
      { ...RUNS, examples: [[LONG, LONG]] },
    );
  });

  it('of what a reviewer writes are kept, delivered and sent to the model', async () => {
    await fc.assert(
      fc.asyncProperty(answers, answers, answers, async (first, second, third) => {
        says('{"first":1.0}');
        const id = await waiting('{"payload":{"n":1.0}}');
        await stack.http.put(`/v1/reviews/${id}/draft`, `{"revision":1,"content":${first}}`);
        expect(await read(`/v1/reviews/${id}/draft`, 'content')).toBe(first);
        const kept = await stack.http.post(
          '/reviewJob',
          `{"id":"${id}","status":"human","response":${first},"payload":${second}}`,
        );
        expect(kept.status).toBe(200);
        const now = async (name: string) => read(`/v1/reviews/${id}`, name);
        expect([await now('response'), await now('model_response')]).toEqual([first, '{"first":1.0}']);
        expect([await now('payload'), await now('original_payload')]).toEqual([second, '{"n":1.0}']);
        await decide(id, `{"verdict":"regenerate","payload":${third}}`);
        await until('the other answer', async () => (await now('revision')) === '3');
        expect(asked()).toBe(third);
        const restored = await stack.http.post(`/v1/reviews/${id}/revisions/2/restore`, undefined, {
          'if-match': '"3"',
        });
        expect(new JsonText(restored.text).member('response')?.text).toBe(first);
        expect(new JsonText(restored.text).member('payload')?.text).toBe(second);
        const { body } = await stack.http.post(
          '/v1/reviews/decisions',
          `{"decisions":[{"verdict":"edit","job_id":"${id}","revision":4,"response":${second}}]}`,
        );
        expect(body.results[0].problem).toBeNull();
        expect(await read(`/v1/jobs/${id}`, 'response')).toBe(second);
        const outputs = new JsonText((await read(`/v1/reviews/${id}/history`, 'outputs')) ?? '').items();
        expect(outputs.map((output) => output.member('response')?.text)).toEqual([
          '{"first":1.0}',
          first,
          '{"first":1.0}',
          first,
          second,
        ]);
      }),
      RUNS,
    );
  });

  it('reach model and client through the door of the original system, and of chats', async () => {
    await fc.assert(
      fc.asyncProperty(contents, contents, async (one, other) => {
        says('{"ok":1.0}');
        const { body } = await stack.http.post('/enqueue', ` ${one}\n`);
        await stack.reaches(body.job_id, 'human');
        expect(asked()).toBe(` ${one}\n`);
        await decide(body.job_id, '{"verdict":"reject"}');
        const answer = completion(other, one);
        says(answer);
        for (const model of ['chat', 'other']) {
          const request = (stream: string): string =>
            `{"a":${one},"model" : "${model}", ${stream}"messages":[{"role":"user","content":"Hi","z":${other}}],"b":${other}}`;
          const { text, headers, id } = await held('/v1/chat/completions', request('"stream":false,'));
          expect(asked()).toBe(request(''));
          expect(text).toBe(answer);
          expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
          expect(await read(`/v1/jobs/${id}`, 'response')).toBe(answer);
        }
        const renamed = `{"model":"renamed","b":${one}, "messages":[{"role":"user","content":"Hi"}]}`;
        await held('/v1/chat/completions', renamed);
        expect(asked()).toBe(renamed.replace('"renamed"', '"stand-in"'));
      }),
      { ...RUNS, examples: [[LONG, '{}']] },
    );
  });

  it('of a conversation stay when the model is asked again', async () => {
    says(completion('1.0', '"1"'));
    const message = '{ "role":"user","content":"\\u0048i", "10":1.0,"1":1e400 }';
    const payload = `{"model":"chat", "messages":[${message}] ,"__proto__":{"n":12345678901234567890}}`;
    const id = await waiting(`{"payload":${payload}}`);
    await decide(id, '{"verdict":"regenerate","feedback":"Shorter."}');
    await until('the model to be asked again', () => asked()?.includes('Shorter.') === true);
    expect(asked()).toBe(
      payload.replace(
        message,
        `${message},{"role":"assistant","content":"Hi."},{"role":"user","content":"Shorter."}`,
      ),
    );
    await stack.reaches(id, 'human');
    await decide(id, '{"verdict":"reject"}');
  });

  it('of numbers stay as they are in what a door or a provider translates', async () => {
    const odd = ['1.0', '9223372036854775807', '1e400', '-0.50', '1E-7'];
    const list = `[${odd.join(',')}]`;
    const logprobs = `{"content":[{"token":"Hi","logprob":-1.0e-7,"bytes":[1.00],"top_logprobs":[]}]}`;
    says(completion(list, list).replace('"finish_reason"', `"logprobs":${logprobs},"finish_reason"`));
    const chat = '{"model":"chat","stream":true,"messages":[{"role":"user","content":"Hi"}]}';
    const streamed = (await held('/v1/chat/completions', chat)).text;
    for (const number of [...odd, '-1.0e-7', '1.00', '1.7e9']) expect(streamed).toContain(number);
    const parameters =
      '{"type":"object","properties":{"b":{"maximum":9223372036854775807},"a":{"minimum":1.0}}}';
    const tools = `[{"type":"function","name":"f","parameters":${parameters}}]`;
    const response = await held(
      '/v1/responses',
      `{"model":"chat","input":"Hi","tools":${tools},"temperature":1.0}`,
    );
    expect(asked()).toContain(parameters);
    expect(asked()).toContain('"temperature":1.0');
    expect(response.text).toContain(parameters);
    expect(response.text).toContain('-1.0e-7');
    says(
      `{"type":"message","content":[{"type":"tool_use","id":"u","name":"f","input":{"z":9223372036854775807,"a":1.0}}],"stop_reason":"tool_use"}`,
    );
    const claude = `{"model":"claude","messages":[{"role":"user","content":"Hi"}],"tools":[{"type":"function","function":{"name":"f","parameters":${parameters}}}]}`;
    const called = await held('/v1/chat/completions', claude);
    expect(asked()).toContain(parameters);
    expect(called.body.choices[0].message.tool_calls[0].function.arguments).toBe(
      '{"z":9223372036854775807,"a":1.0}',
    );
  });

  it('that read in two ways are refused: from a client, and from the model', async () => {
    const { status, body } = await stack.http.post('/v1/jobs', '{"payload":{"a":1,"a":2}}');
    expect([status, body.code]).toEqual([400, 'invalid_json']);
    says('{"a":1,"a":2}');
    stub.requests.length = 0;
    const accepted = await stack.http.post('/v1/jobs', '{"payload":"x"}');
    await stack.reaches(accepted.body.id, 'fail');
    expect((await stack.http.get(`/v1/jobs/${accepted.body.id}`)).body.failure).toMatchObject({
      reason: 'inference_failed',
      detail: expect.stringContaining('a key twice in one object'),
    });
    expect(stub.requests).toHaveLength(1);
  });

  it('of tools with the bounds of other languages are taken', async () => {
    says('{"account":1234567890123456789,"score":1e400}');
    const schema = '{"properties":{"account":{"type":"integer","maximum":9223372036854775807}}}';
    const id = await waiting(`{"payload":{"n":9223372036854775807},"response_schema":${schema}}`);
    expect(await read(`/v1/reviews/${id}`, 'response_schema')).toBe(schema);
    await decide(id, '{"verdict":"edit","response":{"account":1234567890123456788}}');
    expect(await read(`/v1/jobs/${id}`, 'response')).toBe('{"account":1234567890123456788}');
  });
});
