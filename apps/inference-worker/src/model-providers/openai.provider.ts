import type { ProviderSettings } from '@hitl/config';
import type { ModelProvider } from './model-provider';
import { below, postJson } from './post-json';

/** Any server with OpenAI's chat completions API. The payload goes as it is; the whole answer comes back. */
export function createOpenAiProvider({ base_url, api_key }: ProviderSettings): ModelProvider {
  const url = below(base_url, 'chat/completions');
  return { infer: (payload, signal) => postJson(url, payload, { apiKey: api_key, signal }) };
}
