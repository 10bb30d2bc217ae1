import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { ConfigError, readConfig } from './config';
import { modelRoutes, offeredModels } from './model-routes';
import { fits, type ModelRoutes } from './routes-file';

const folder = mkdtempSync(join(tmpdir(), 'hitl-routes-'));
const file = join(folder, 'routes.yaml');
afterAll(() => rmSync(folder, { recursive: true }));

function read(text: string, secrets?: Record<string, string>): ModelRoutes {
  writeFileSync(file, text);
  return modelRoutes(readConfig({ MODEL_ROUTES_FILE: file }), secrets && ((name) => secrets[name]));
}

function faultsOf(text: string, secrets?: Record<string, string>): string[] {
  try {
    read(text, secrets);
  } catch (error) {
    if (error instanceof ConfigError)
      return error.message
        .split('\n')
        .slice(1, -1)
        .map((line) => line.trim());
    throw error;
  }
  return [];
}

const DEMO = 'providers: { demo: { type: demo } }\n';

describe('model routes', () => {
  it('reads the example of the documentation, with its keys', () => {
    const example = /```yaml\n([\s\S]*?)```/.exec(readFileSync('docs/model-routes.md', 'utf8'))?.[1] ?? '';
    const { providers, models } = read(example, { OPENAI_API_KEY: 'one', ANTHROPIC_API_KEY: 'two' });
    expect(providers.get('openai')).toMatchObject({
      api_key: 'one',
      concurrency: 32,
      circuit_breaker: { failures: 5, reset_ms: 30_000 },
    });
    expect(providers.get('claude')).toMatchObject({ api_key: 'two', timeout_ms: 60_000 });
    expect(models.map(({ name }) => name)).toEqual(['gpt-4o*', 'claude-*', 'my-model', '*']);
    expect(offeredModels({ providers, models })).toEqual([
      { id: 'gpt-4o', owned_by: 'openai' },
      { id: 'gpt-4o-mini', owned_by: 'openai' },
      { id: 'my-model', owned_by: 'http' },
      { id: 'demo-extractive-1', owned_by: 'demo' },
    ]);
  });

  it('reads JSON, indented by tabs, too', () => {
    const routes = { providers: { demo: { type: 'demo' } }, models: [{ name: '*', providers: ['demo'] }] };
    expect(read(JSON.stringify(routes, null, '\t')).models).toHaveLength(1);
  });

  it('needs no keys where nobody asks for them', () => {
    const text = `providers: { a: { type: openai, base_url: http://a/v1, api_key_env: NOT_SET } }
models: [{ name: a, providers: [a] }]`;
    expect(read(text).providers.get('a')?.api_key).toBeUndefined();
    expect(faultsOf(text, {})).toEqual([
      '/providers/a/api_key_env: the environment variable NOT_SET is not set (line 1)',
    ]);
  });

  it('lists every fault at once, and no values', () => {
    const faults = faultsOf(
      `providers:
  a: { type: openai, base_url: "ftp://user:hidden@a", api_key: sk-hidden, timeout_ms: 0 }
  b: { type: cohere, api_key_env: sk-hidden, circuit_breaker: { failures: 0, reset: 1 } }
  c: 7
  d: { type: http }
models:
  - { name: "a*b", providers: [] }
  - { name: "x*", providers: [a, nobody], offers: [y], price: { input_per_million: -1, output_per_million: 1 } }
  - { name: xy, providers: [a] }
  - 5
routes: []`,
      {},
    );
    expect(faults.join('\n')).not.toContain('hidden');
    expect(faults).toEqual([
      '/providers/a/base_url: must be an http:// or https:// URL (line 2)',
      '/providers/a/api_key: there is no such key; known are type, base_url, api_key_env, timeout_ms, concurrency, circuit_breaker, model, price (line 2)',
      '/providers/a/timeout_ms: timeout_ms must not be less than 1 (line 2)',
      expect.stringMatching(/^\/providers\/b\/type: type must be one of/),
      expect.stringMatching(/^\/providers\/b\/api_key_env: must be the name of an environment variable/),
      '/providers/b/circuit_breaker/failures: failures must not be less than 1 (line 3)',
      '/providers/b/circuit_breaker/reset: there is no such key; known are failures, reset_ms (line 3)',
      '/providers/b/base_url: must be an http:// or https:// URL (line 3)',
      '/providers/c: must be an object (line 4)',
      '/providers/d/base_url: must be an http:// or https:// URL (line 5)',
      expect.stringMatching(/^\/models\/0\/name: must be a name .* \(line 7\)$/),
      '/models/0/providers: providers should not be empty (line 7)',
      '/models/1/providers: there is no provider "nobody" (line 8)',
      '/models/1/offers: "y" does not fit "x*" (line 8)',
      '/models/1/price/input_per_million: input_per_million must not be less than 0 (line 8)',
      '/models/2/name: never reached, as /models/1 takes all of it first (line 9)',
      '/models/3: must be an object (line 10)',
      '/routes: there is no such key; known are providers, models (line 11)',
    ]);
  });

  it.each([
    ['an unquoted *', `${DEMO}models: [{ name: *, providers: [demo] }]`, /line 2.*BAD_ALIAS.*quotes/],
    ['an alias', `${DEMO}models: [{ name: *a , providers: [demo] }]`, /quotes/],
    ['broken YAML', 'providers: { a: sk-hidden', /^line 1 is not YAML \(\w+\)$/m],
    ['a key twice', `${DEMO}${DEMO}`, /line 2.*DUPLICATE_KEY/],
    ['a list', '[]', /must be an object with the keys providers, models/],
    ['nothing', '', /must be an object with the keys providers, models/],
    ['no models', DEMO, /^\/models: is missing/],
    [
      'a list of providers',
      'providers: [a]\nmodels: [{ name: a, providers: [a] }]',
      /^\/providers: must be an object/,
    ],
  ])('refuses %s', (_what, text, message) => {
    expect(faultsOf(text).join('\n')).toMatch(message);
    expect(faultsOf(text).join('\n')).not.toContain('hidden');
  });

  it('names a file that cannot be read', () => {
    const config = readConfig({ MODEL_ROUTES_FILE: '/nowhere/routes.yaml' });
    expect(() => modelRoutes(config)).toThrow(/MODEL_ROUTES_FILE=\/nowhere\/routes\.yaml[\s\S]*ENOENT/);
  });

  it('is one route to MODEL_PROVIDER without a file', () => {
    expect(offeredModels(modelRoutes(readConfig({})))).toEqual([
      { id: 'demo-extractive-1', owned_by: 'demo' },
    ]);
    const env = {
      MODEL_PROVIDER: 'openai',
      MODEL_BASE_URL: 'http://a/v1',
      MODEL_API_KEY: 'k',
      MODEL_TIMEOUT_MS: '5',
    };
    const routes = modelRoutes(readConfig(env));
    expect(routes.models).toEqual([{ name: '*', providers: ['openai'] }]);
    expect(routes.providers.get('openai')).toEqual({
      type: 'openai',
      base_url: 'http://a/v1',
      api_key: 'k',
      timeout_ms: 5,
    });
    expect(offeredModels(routes)).toEqual([]);
  });

  it.each([
    ['*', undefined, true],
    ['*', 'a', true],
    ['a', 'a', true],
    ['a', 'ab', false],
    ['a*', 'ab', true],
    ['a*', 'a', true],
    ['a*', undefined, false],
    ['a*', 'ba', false],
  ])('%s fits %s: %s', (name, model, expected) => {
    expect(fits(name, model)).toBe(expected);
  });
});
