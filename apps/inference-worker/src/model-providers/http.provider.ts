import type { ProviderSettings } from '@hitl/config';
import { isJsonObject } from '@hitl/domain';
import { requireMessage } from './anthropic.provider';
import type { ModelProvider } from './model-provider';
import { postJson } from './post-json';
import { isChat, requireCompletion } from './provider-failure';

/** Any HTTP API that takes JSON by POST and answers JSON. */
export function createHttpProvider({ base_url, api_key }: ProviderSettings): ModelProvider {
  const url = String(base_url);
  return {
    infer: async (payload, signal) => {
      const answer = await postJson(url, payload, { apiKey: api_key, signal });
      // Any JSON is an answer here, but what answers a chat with choices speaks OpenAI's language.
      if (isJsonObject(answer.value) && 'choices' in answer.value && isChat(payload.value)) {
        requireCompletion(answer.value, { apiKey: api_key, url });
      }
      return answer;
    },
    inferMessage: async (payload, signal, headers) =>
      requireMessage(await postJson(url, payload, { apiKey: api_key, headers, signal })),
  };
}
