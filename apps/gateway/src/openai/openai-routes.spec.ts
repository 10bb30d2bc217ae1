import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { isOpenAiRoute, openAiNotFound } from './openai-routes';

interface Document {
  paths: Record<string, Record<string, { tags: string[] }>>;
}

describe("OpenAI's addresses", () => {
  it.each([
    ...['/v1/chat/completions', '/v1/responses/resp_1', '/v1/models', '/v1/models/a/b?c', '/v1/embeddings'],
    ...[
      '/v1/completions',
      '/v1/moderations',
      '/v1/images/generations',
      '/v1/audio/speech',
      '/v1/files/f/content',
    ],
    ...[
      '/v1/batches',
      '/v1/assistants',
      '/v1/threads/t/runs',
      '/v1/vector_stores',
      '/v1/fine_tuning/jobs',
      '/v1/rerank',
    ],
    ...[
      '/chat/completions',
      '/responses',
      '/models',
      '/embeddings',
      '/v1/v1/chat/completions',
      '//v1/models',
    ],
    ...[
      '/openai/deployments/gpt/chat/completions?api-version=1',
      '/openai/v1/responses',
      '/api/v1/chat/completions',
    ],
  ])('have errors in its form: %s', (url) => {
    expect(isOpenAiRoute(url)).toBe(true);
  });

  it('are none of this server’s own', () => {
    const { paths } = JSON.parse(readFileSync('openapi.json', 'utf8')) as Document;
    const own = Object.entries(paths).filter(([, methods]) =>
      Object.values(methods).some(({ tags }) => !tags.includes('openai')),
    );
    expect(own.length).toBeGreaterThan(20);
    for (const [path] of own) expect([path, isOpenAiRoute(path)]).toEqual([path, false]);
    expect(isOpenAiRoute('/')).toBe(false);
    expect(isOpenAiRoute('/console/models')).toBe(false);
  });

  it('that are not offered are told from a wrong base URL', () => {
    expect(openAiNotFound('POST', '/v1/embeddings?x=1')).toBe(
      'This server does not offer POST /v1/embeddings. This server has POST /v1/chat/completions, POST /v1/responses and GET /v1/models. Call the provider itself for anything else.',
    );
    for (const path of [
      '/chat/completions',
      '/v1/v1/chat/completions',
      '/openai/deployments/x/chat/completions',
    ]) {
      expect(openAiNotFound('POST', path)).toContain("the client's base URL must end in /v1, once");
    }
  });
});
