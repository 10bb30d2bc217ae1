import type { ProviderSettings } from '@hitl/config';
import type { ModelProvider } from './model-provider';
import { postJson } from './post-json';

/** Any HTTP API that takes JSON by POST and answers JSON. */
export function createHttpProvider({ base_url, api_key }: ProviderSettings): ModelProvider {
  const url = String(base_url);
  return { infer: (payload, signal) => postJson(url, payload, { apiKey: api_key, signal }) };
}
