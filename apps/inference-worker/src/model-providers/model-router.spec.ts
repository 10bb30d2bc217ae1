import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Price, ProviderSettings } from '@hitl/config';
import { JsonText } from '@hitl/domain';
import { metrics } from '@hitl/observability';
import { completion, startModelStub, until, type ModelStub } from '@hitl/testing';
import { createAnthropicProvider } from './anthropic.provider';
import { GuardedProvider } from './guarded-provider';
import { ModelError } from './model-provider';
import { ModelRouter } from './model-router';
import { createOpenAiProvider } from './openai.provider';

const CHAT = JsonText.of({ model: 'm', messages: [{ role: 'user', content: 'Hi' }] });
const chatWith = (model: string): JsonText => CHAT.with('model', JsonText.of(model));
const never = new AbortController().signal;

describe('the model router', () => {
  let a: ModelStub;
  let b: ModelStub;
  beforeEach(async () => {
    [a, b] = await Promise.all([startModelStub(), startModelStub()]);
  });
  afterEach(() => Promise.all([a.close(), b.close()]));

  const guard = (name: string, stub: ModelStub, settings: Partial<ProviderSettings> = {}) => {
    const whole: ProviderSettings = { type: 'openai', base_url: stub.url, timeout_ms: 5000, ...settings };
    return new GuardedProvider(name, whole, createOpenAiProvider(whole));
  };
  const route = (
    providers: GuardedProvider[],
    { timeoutMs = 5000, price }: { timeoutMs?: number; price?: Price } = {},
  ) => new ModelRouter([{ name: '*', providers, price }], timeoutMs);
  const failure = async (call: Promise<unknown>): Promise<ModelError> => {
    const error: unknown = await call.catch((reason: unknown) => reason);
    if (!(error instanceof ModelError)) throw new Error(`no ModelError: ${String(error)}`);
    return error;
  };

  it('answers with the name of the provider, its usage and its cost', async () => {
    const price = { input_per_million: 2.5, output_per_million: 10 };
    const answer = await route([guard('a', a)], { price }).infer(CHAT, never);
    expect(answer).toEqual({
      response: JsonText.of(completion('You said: Hi')),
      provider: 'a',
      usage: { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8, cost: 0.000058 },
    });
  });

  it("asks no provider that does not speak it for a message of Anthropic's API", async () => {
    const error = await failure(route([guard('a', a)]).infer(CHAT, never, {}));
    expect(error.message).toContain('type openai takes no requests of Anthropic');
    expect(error.retryable).toBe(false);
    expect(a.requests).toHaveLength(0);
    const whole: ProviderSettings = { type: 'anthropic', base_url: b.url, timeout_ms: 5000 };
    const claude = new GuardedProvider('b', whole, createAnthropicProvider(whole));
    expect(await route([guard('a', a), claude]).infer(CHAT, never, {})).toMatchObject({ provider: 'b' });
  });

  it.each([
    [
      'input_tokens and those of a cache',
      { input_tokens: 1, cache_read_input_tokens: 5, cache_creation_input_tokens: 2, output_tokens: 2 },
      { prompt_tokens: 8, completion_tokens: 2, total_tokens: 10 },
    ],
    [
      'input_tokens and output_tokens',
      { input_tokens: 1, output_tokens: 2 },
      { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
    ],
    [
      'prompt_tokens alone',
      { prompt_tokens: 1 },
      { prompt_tokens: 1, completion_tokens: 0, total_tokens: 1 },
    ],
    ['nonsense', { prompt_tokens: 'many', completion_tokens: -1 }, null],
    ['nothing', undefined, null],
  ])('reads usage from %s', async (_what, usage, expected) => {
    a.answer = () => ({ body: { ...completion('hi'), usage } });
    expect((await route([guard('a', a)]).infer(CHAT, never)).usage).toEqual(expected);
  });

  it("sends the provider's own model, and counts by its own price", async () => {
    const settings = { model: 'stand-in', price: { input_per_million: 0, output_per_million: 0 } };
    const price = { input_per_million: 1, output_per_million: 1 };
    const { usage } = await route([guard('a', a, settings)], { price }).infer(CHAT, never);
    expect(a.requests[0]?.body).toEqual(chatWith('stand-in').value);
    expect(usage?.cost).toBe(0);
  });

  it('asks the next provider after a failure that may pass', async () => {
    a.answer = () => ({ status: 500, body: {} });
    expect((await route([guard('a', a), guard('b', b)]).infer(CHAT, never)).provider).toBe('b');
    a.answer = () => 'hang';
    expect(
      (await route([guard('a', a, { timeout_ms: 50 }), guard('b', b)]).infer(CHAT, never)).provider,
    ).toBe('b');
  });

  it('ends the attempt at an error that stays', async () => {
    a.answer = () => ({ status: 400, body: { error: { message: 'bad' } } });
    const error = await failure(route([guard('a', a), guard('b', b)]).infer(CHAT, never));
    expect(error).toMatchObject({
      message: 'The model returned 400',
      detail: 'The model returned 400: bad',
      retryable: false,
      provider: 'a',
    });
    expect(b.requests).toHaveLength(0);
  });

  it('says what each provider said, with the smallest Retry-After', async () => {
    a.answer = () => ({ status: 429, headers: { 'retry-after': '9' }, body: { error: { message: 'slow' } } });
    b.answer = () => ({ status: 503, headers: { 'retry-after': '4' }, body: { error: { message: 'busy' } } });
    expect(await failure(route([guard('a', a), guard('b', b)]).infer(CHAT, never))).toMatchObject({
      message: 'a: The model returned 429\nb: The model returned 503',
      detail: 'a: The model returned 429: slow\nb: The model returned 503: busy',
      retryable: true,
      retryAfterMs: 4000,
      provider: 'b',
    });
  });

  it('stays within the time of one attempt', async () => {
    a.answer = () => 'hang';
    b.answer = () => 'hang';
    const error = await failure(route([guard('a', a), guard('b', b)], { timeoutMs: 50 }).infer(CHAT, never));
    expect(error).toMatchObject({ message: 'The model did not respond within 50 ms.', retryable: true });
    expect(b.requests).toHaveLength(0);
  });

  it('takes the first route that fits, and refuses a model that none takes', async () => {
    const router = new ModelRouter(
      [
        { name: 'gpt-*', providers: [guard('a', a)] },
        { name: 'other', providers: [guard('b', b)] },
      ],
      5000,
    );
    expect((await router.infer(chatWith('gpt-4o'), never)).provider).toBe('a');
    expect((await router.infer(chatWith('other'), never)).provider).toBe('b');
    expect(await failure(router.infer(CHAT, never))).toMatchObject({
      detail: 'No provider takes the model "m". Offered: gpt-*, other.',
      retryable: false,
    });
    expect((await failure(router.infer(JsonText.of('text'), never))).message).toContain(
      'The payload names no model.',
    );
  });

  it('spares a provider whose circuit is open, until one call finds it well again', async () => {
    a.answer = () => ({ status: 500, body: {} });
    const guarded = guard('sick', a, { circuit_breaker: { failures: 2, reset_ms: 30_000 } });
    const state = async () =>
      (await metrics.circuitState.get()).values.find(({ labels }) => labels.provider === 'sick')?.value;
    const router = route([guarded, guard('b', b)]);
    for (let call = 0; call < 4; call += 1) await router.infer(CHAT, never);
    expect(a.requests).toHaveLength(2);
    expect(await state()).toBe(2);
    const error = await failure(route([guarded]).infer(CHAT, never));
    expect(error.message).toBe('The circuit of sick is open after: The model returned 500');
    expect(error.retryAfterMs).toBeLessThanOrEqual(30_000);

    const now = Date.now;
    const clock = jest.spyOn(Date, 'now').mockImplementation(() => now() + 30_000);
    let wellAgain = (): void => undefined;
    a.answer = () => new Promise((resolve) => (wellAgain = () => resolve({ body: completion('ok') })));
    const trial = router.infer(CHAT, never);
    await until('the trial', () => a.requests.length === 3);
    expect(await state()).toBe(1);
    expect((await router.infer(CHAT, never)).provider).toBe('b');
    wellAgain();
    expect((await trial).provider).toBe('sick');
    expect(await state()).toBe(0);
    clock.mockRestore();
  });

  it('does not count errors that stay towards the circuit', async () => {
    a.answer = () => ({ status: 400, body: {} });
    const router = route([guard('a', a, { circuit_breaker: { failures: 1, reset_ms: 10_000 } })]);
    for (let call = 0; call < 3; call += 1) await failure(router.infer(CHAT, never));
    expect(a.requests).toHaveLength(3);
  });

  it('passes over a provider whose slots are taken, and waits for the last one', async () => {
    a.answer = () => ({ body: completion('a'), delayMs: 100 });
    b.answer = () => ({ body: completion('b'), delayMs: 100 });
    const router = route([guard('a', a, { concurrency: 1 }), guard('b', b, { concurrency: 1 })]);
    const answers = await Promise.all([1, 2, 3].map(() => router.infer(CHAT, never)));
    expect(answers.map(({ provider }) => provider)).toEqual(['a', 'b', 'b']);
  });

  it('leaves the queue for a slot when the time is over or the job is lost, and lets the next one in', async () => {
    let free = (): void => undefined;
    a.answer = (_request, index) =>
      index > 0
        ? { body: completion('later') }
        : new Promise((resolve) => (free = () => resolve({ body: completion('first') })));
    const guarded = guard('a', a, { concurrency: 1 });
    const first = route([guarded]).infer(CHAT, never);
    await until('the first call', () => a.requests.length === 1);
    const lost = new AbortController();
    const dropped = route([guarded]).infer(CHAT, lost.signal);
    const late = failure(route([guarded], { timeoutMs: 50 }).infer(CHAT, never));
    const next = route([guarded]).infer(CHAT, never);
    lost.abort();
    await expect(dropped).rejects.toThrow();
    expect(await late).toMatchObject({ message: 'No slot of a became free in time.', retryable: true });
    free();
    await first;
    expect((await next).response.value).toEqual(completion('later'));
    expect(a.requests).toHaveLength(2);
  });

  it('ends at once when the job is lost', async () => {
    a.answer = () => 'hang';
    const lost = new AbortController();
    const call = route([guard('a', a), guard('b', b)]).infer(CHAT, lost.signal);
    await until('the call', () => a.requests.length === 1);
    lost.abort();
    await expect(call).rejects.toThrow();
    expect(b.requests).toHaveLength(0);
  });
});
