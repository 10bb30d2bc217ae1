import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { completion, startStack, until, type Stack, type StubAnswer, type StubRequest } from '@hitl/testing';

const MAX_ANSWER_BYTES = 10 * 1024 * 1024;
const MODEL_TIMEOUT_MS = 400;

const WAYS_TO_ASK = [
  { provider: 'openai', key: 'sk-test-1', path: '/v1/chat/completions' },
  { provider: 'http', key: undefined, path: '/v1' },
] as const;

let stack: Stack;
let jobs = 0;

beforeAll(async () => {
  stack = await startStack('services', { MODEL_MAX_ATTEMPTS: '3' });
});

afterAll(() => stack.stop());

describe.each(WAYS_TO_ASK)('MODEL_PROVIDER=$provider', ({ provider, key, path }) => {
  const settings = { MODEL_PROVIDER: provider, MODEL_API_KEY: key ?? '' };

  beforeAll(() => stack.restart('inference-worker', settings));

  /** Submits a job whose n-th call gets the n-th answer, the last one again and again. */
  async function ask(...answers: StubAnswer[]): Promise<{ id: string; calls: () => StubRequest[] }> {
    jobs += 1;
    const mark = `job ${jobs}`;
    const calls = () => stack.stub.requests.filter(({ body }) => JSON.stringify(body).includes(`"${mark}"`));
    stack.stub.answer = () => answers[Math.min(calls().length, answers.length) - 1]!;
    const { id } = await stack.submit({ messages: [{ role: 'user', content: mark }] });
    return { id, calls };
  }

  it('sends the payload as it came, and keeps the whole answer', async () => {
    const answer = { ...completion('4'), 'x-ray': [null, 1.5, { deep: ['é', '𝄞'] }], usage: { total: 8 } };
    stack.stub.answer = () => ({ body: answer });
    const payload = { model: 'some/model', messages: [], temperature: 0.5, extra: { a: [null, true] } };
    const { id } = await stack.submit(payload);
    await stack.reaches(id, 'human');
    const call = stack.stub.requests.at(-1)!;
    expect(call.path).toBe(path);
    expect(call.body).toEqual(payload);
    expect(call.headers).toMatchObject({ 'content-type': 'application/json', accept: 'application/json' });
    expect(call.headers.authorization).toBe(key && `Bearer ${key}`);
    expect((await stack.decide(id, { verdict: 'approve' })).body.response).toEqual(answer);
  });

  it('keeps an answer with NUL and half surrogate pairs, which PostgreSQL does not take', async () => {
    const odd = { 'a\0b': 'x\0y\ud800z' };
    const { id } = await ask({ body: { ...completion('x\0y'), odd } });
    await stack.reaches(id, 'human');
    const { body } = await stack.decide(id, { verdict: 'approve' });
    expect(body.response).toEqual({ ...completion('x\0y'), odd });
  });

  it('waits as long as a 429 asks for with Retry-After, then succeeds', async () => {
    const seconds = 2;
    const { id, calls } = await ask(
      { status: 429, headers: { 'retry-after': String(seconds) }, body: { error: { message: 'slow down' } } },
      { body: completion('ok') },
    );
    expect((await stack.reaches(id, 'human')).attempts).toBe(2);
    const [first, second] = calls();
    expect(second!.at - first!.at).toBeGreaterThanOrEqual(seconds * 1000);
  });

  it('tries again after 500s, and counts the attempts', async () => {
    const { id, calls } = await ask(
      { status: 500, text: 'oops' },
      { status: 503, text: '' },
      { body: completion('fine') },
    );
    expect(await stack.reaches(id, 'human')).toMatchObject({ attempts: 3, revision: 1, failure: null });
    expect(calls()).toHaveLength(3);
  });

  it.each([408, 409])('tries again after a %i', async (status) => {
    const { id } = await ask({ status, text: 'later' }, { body: completion('fine') });
    expect((await stack.reaches(id, 'human')).attempts).toBe(2);
  });

  it('gives up on 500s for ever, naming the last error and the number of tries', async () => {
    const { id, calls } = await ask(
      { status: 500, text: 'first' },
      { status: 502, body: { error: { message: 'the last one' } } },
    );
    expect(await stack.reaches(id, 'fail')).toMatchObject({
      failure: {
        reason: 'inference_failed',
        detail: 'Gave up after 3 tries. The model returned 502: the last one',
      },
      attempts: 3,
      revision: 0,
      response: null,
    });
    expect(calls()).toHaveLength(3);
  });

  it.each<{ what: string; answer: StubAnswer; detail: string | RegExp }>([
    { what: 'garbage', answer: { text: '<html>' }, detail: "The model's response is not JSON." },
    { what: 'an empty body', answer: { text: '' }, detail: 'The model returned an empty body.' },
    { what: 'null', answer: { text: ' null ' }, detail: "The model's response is empty: null" },
    {
      what: 'an event stream',
      answer: { text: 'data: {}\n\n', headers: { 'content-type': 'text/event-stream' } },
      detail: /It is an event stream: submit without "stream": true/,
    },
    {
      what: 'more than 10 MiB',
      answer: { body: 'x'.repeat(MAX_ANSWER_BYTES) },
      detail: `The model's response is larger than ${MAX_ANSWER_BYTES} bytes.`,
    },
    {
      what: 'a 400 of OpenAI’s kind',
      answer: { status: 400, body: { error: { message: 'model "x" does not exist', code: 'no_model' } } },
      detail: 'The model returned 400: model "x" does not exist',
    },
    {
      what: 'a 401 of another kind',
      answer: { status: 401, body: { detail: 'no key' } },
      detail: /401: no key$/,
    },
    { what: 'a 422 in plain text', answer: { status: 422, text: ' not so ' }, detail: /422: not so$/ },
    {
      what: 'a redirect',
      answer: { status: 302, headers: { location: '/' }, text: '' },
      detail: /302: \(no text\)/,
    },
  ])('fails at once on $what', async ({ answer, detail }) => {
    const { id, calls } = await ask(answer);
    const { failure, attempts } = await stack.reaches(id, 'fail');
    expect(failure).toEqual({
      reason: 'inference_failed',
      detail: typeof detail === 'string' ? detail : expect.stringMatching(detail),
    });
    expect(attempts).toBe(1);
    expect(calls()).toHaveLength(1);
  });

  it('keeps no more than 1,000 characters of an error page', async () => {
    const { id } = await ask({ status: 400, text: 'e'.repeat(100_000) });
    const { failure } = await stack.reaches(id, 'fail');
    expect(failure.detail).toBe(`The model returned 400: ${'e'.repeat(1000)}`);
  });

  it('takes an answer of just under 10 MiB', async () => {
    const answer = completion('x'.repeat(MAX_ANSWER_BYTES - JSON.stringify(completion('')).length));
    const { id } = await ask({ body: answer });
    await stack.reaches(id, 'human');
    expect((await stack.decide(id, { verdict: 'approve' })).body.response).toEqual(answer);
  });

  it('starts to count anew when a human asks again', async () => {
    const { id, calls } = await ask(
      { status: 500, text: 'oops' },
      { status: 500, text: 'oops' },
      { body: completion('one') },
    );
    await stack.reaches(id, 'human');
    stack.stub.answer = () =>
      calls().length < 6 ? { status: 500, text: 'oops' } : { body: completion('two') };
    await stack.decide(id, { verdict: 'regenerate' });
    expect(await stack.reaches(id, 'human')).toMatchObject({ attempts: 6, revision: 2 });
  });

  it('never logs the key, nor what was asked and answered, not even as an error quotes it', async () => {
    const { id } = await ask(
      { status: 500, text: 'The prompt "job" crashed me: xylophone' },
      { status: 400, body: { error: { message: 'I do not like xylophone' } } },
    );
    expect((await stack.reaches(id, 'fail')).failure.detail).toContain('xylophone');
    const logs = stack.processes.flatMap((process) => process.logs).join('\n');
    expect(logs).toContain(id);
    for (const secret of [/sk-test-1/, /job \d/, /some\/model/, /xylophone/])
      expect(logs).not.toMatch(secret);
  });

  describe('that hangs', () => {
    beforeAll(() =>
      stack.restart('inference-worker', { ...settings, MODEL_TIMEOUT_MS: String(MODEL_TIMEOUT_MS) }),
    );

    it('is hung up on after MODEL_TIMEOUT_MS, and tried again', async () => {
      const { id, calls } = await ask('hang', { body: completion('fine') });
      expect((await stack.reaches(id, 'human')).attempts).toBe(2);
      const [first, second] = calls();
      expect(first!.aborted).toBe(true);
      expect(second!.at - first!.at).toBeGreaterThanOrEqual(MODEL_TIMEOUT_MS - 50);
    });

    it('is given up on when it always does', async () => {
      const { id, calls } = await ask('hang');
      expect((await stack.reaches(id, 'fail')).failure).toEqual({
        reason: 'inference_failed',
        detail: `Gave up after 3 tries. The model did not respond within ${MODEL_TIMEOUT_MS} ms.`,
      });
      await until('every call is hung up', () => calls().every(({ aborted }) => aborted));
      expect(calls()).toHaveLength(3);
    });
  });
});

it('a model that cannot be reached is tried again, then told as such', async () => {
  await stack.restart('inference-worker', {
    MODEL_BASE_URL: 'http://127.0.0.1:9/v1',
    MODEL_MAX_ATTEMPTS: '2',
  });
  const { id } = await stack.submit('hello?');
  expect(await stack.reaches(id, 'fail')).toMatchObject({
    failure: {
      reason: 'inference_failed',
      detail: expect.stringMatching(/^Gave up after 2 tries. The model cannot be reached: .*ECONNREFUSED/),
    },
    attempts: 2,
  });
});
