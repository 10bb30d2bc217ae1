import type { Config } from '@hitl/config';
import type { ModelProvider } from './model-provider';
import { postJson } from './post-json';

/** Any server with OpenAI's chat completions API. The payload goes as it is; the whole answer comes back. */
export function createOpenAiProvider(config: Config): ModelProvider {
  const url = `${String(config.MODEL_BASE_URL).replace(/\/+$/, '')}/chat/completions`;
  return {
    name: 'openai',
    infer: (payload, signal) => postJson(url, payload, { apiKey: config.MODEL_API_KEY, signal }),
  };
}
