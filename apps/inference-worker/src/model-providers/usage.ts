import type { Price } from '@hitl/config';
import { isJsonObject, type Json, type Usage } from '@hitl/domain';

/**
 * What an answer says that it has used, in OpenAI's words or as input_tokens and output_tokens, to which Anthropic's API
 * does not count what a cache holds; null where it says nothing. The cost has six digits.
 */
export function usageOf(response: Json, price: Price | undefined): Usage | null {
  const usage = isJsonObject(response) ? response.usage : undefined;
  if (!isJsonObject(usage)) return null;
  const cached =
    (tokens(usage.cache_creation_input_tokens) ?? 0) + (tokens(usage.cache_read_input_tokens) ?? 0);
  const input_tokens = tokens(usage.input_tokens);
  const prompt =
    tokens(usage.prompt_tokens) ?? (input_tokens === undefined ? undefined : input_tokens + cached);
  const completion = tokens(usage.completion_tokens ?? usage.output_tokens);
  if (prompt === undefined && completion === undefined) return null;
  const [input, output] = [prompt ?? 0, completion ?? 0];
  const total = tokens(usage.total_tokens) ?? input + output;
  const counted = { prompt_tokens: input, completion_tokens: output, total_tokens: total };
  if (!price) return counted;
  const cost = (input * price.input_per_million + output * price.output_per_million) / 1e6;
  return { ...counted, cost: Number(cost.toFixed(6)) };
}

function tokens(value: Json | undefined): number | undefined {
  return Number.isSafeInteger(value) && Number(value) >= 0 ? Number(value) : undefined;
}
