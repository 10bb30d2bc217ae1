import type { ProviderSettings } from '@hitl/config';
import { isJsonObject } from '@hitl/domain';
import type { ModelProvider } from './model-provider';
import { below, postJson } from './post-json';
import { isChat, requireCompletion } from './provider-failure';

/** Any server with OpenAI's chat completions API. The payload goes as it is; the whole answer comes back. */
export function createOpenAiProvider({ base_url, api_key }: ProviderSettings): ModelProvider {
  const url = below(base_url, 'chat/completions');
  return {
    infer: async (payload, signal) => {
      const answer = await postJson(url, payload, { apiKey: api_key, signal });
      const { value } = answer;
      if (isChat(payload.value) || (isJsonObject(value) && 'choices' in value)) {
        requireCompletion(value, { apiKey: api_key, url });
      }
      return answer;
    },
  };
}
