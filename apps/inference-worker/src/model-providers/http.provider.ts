import type { Config } from '@hitl/config';
import type { ModelProvider } from './model-provider';
import { postJson } from './post-json';

/** Any HTTP API that takes JSON by POST and answers JSON. */
export function createHttpProvider(config: Config): ModelProvider {
  const url = String(config.MODEL_BASE_URL);
  return {
    name: 'http',
    infer: (payload, signal) => postJson(url, payload, { apiKey: config.MODEL_API_KEY, signal }),
  };
}
