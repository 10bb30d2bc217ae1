import type { ProviderSettings } from '@hitl/config';
import { asNumber, isJsonObject, JsonText, writeJson, type Json } from '@hitl/domain';
import { ModelError, type ModelProvider } from './model-provider';
import { below, postJson } from './post-json';

type JsonObject = { [key: string]: Json };
interface Turn {
  role: 'user' | 'assistant';
  content: JsonObject[];
}

/** The Messages API wants a bound; this one where the chat gives none. */
const DEFAULT_MAX_TOKENS = 4096;

const FINISH_REASONS = new Map<Json | undefined, string>([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['tool_use', 'tool_calls'],
  ['refusal', 'content_filter'],
]);

/**
 * Anthropic's Messages API. Its own requests and messages pass as they are; a chat is translated, and answered as a chat
 * completion. What would change the answer's shape and has
 * no counterpart is refused; other parameters without one, such as `seed`, are left out.
 */
export function createAnthropicProvider({ base_url, api_key }: ProviderSettings): ModelProvider {
  const url = below(base_url, 'messages');
  const headers = {
    'anthropic-version': '2023-06-01',
    ...(api_key !== undefined && { 'x-api-key': api_key }),
  };
  return {
    infer: async (payload, signal) => {
      const asked = JsonText.of(toMessages(payload.exact));
      return JsonText.of(
        toCompletion((await postJson(url, asked, { secret: api_key, headers, signal })).exact),
      );
    },
    inferMessage: async (payload, signal, asked) =>
      requireMessage(
        await postJson(url, payload, { secret: api_key, headers: { ...headers, ...asked }, signal }),
      ),
  };
}

/** @returns the answer, which is a message. @throws ModelError for any other */
export function requireMessage(answer: JsonText): JsonText {
  if (isMessage(answer.value)) return answer;
  throw new ModelError('The response is not a message of the Messages API.', true);
}

function isMessage(answer: Json): boolean {
  return isJsonObject(answer) && answer.type === 'message' && Array.isArray(answer.content);
}

function refuse(reason: string): ModelError {
  const message = "Anthropic's Messages API cannot take this request";
  return new ModelError(`${message}.`, false, { detail: `${message}: ${reason}.` });
}

/** @throws ModelError for a payload that is no chat, or one that has no counterpart */
export function toMessages(payload: Json): JsonObject {
  if (!isJsonObject(payload) || !Array.isArray(payload.messages)) throw refuse('it has no messages');
  const { model, temperature, top_p, stop, tools } = payload;
  if (typeof model !== 'string') throw refuse('it names no model');
  for (const name of ['functions', 'function_call', 'logprobs', 'audio']) {
    if (payload[name]) throw refuse(`${name} has no counterpart`);
  }
  if (asNumber(payload.n ?? 1) !== 1) throw refuse('n may only be 1');
  const format = payload.response_format ?? { type: 'text' };
  if (!isJsonObject(format) || format.type !== 'text') throw refuse('response_format may only be text');

  const heat = asNumber(temperature);
  const system: JsonObject[] = [];
  const turns: Turn[] = [];
  for (const message of payload.messages) {
    if (!isJsonObject(message)) throw refuse('a message is not an object');
    if (message.role === 'system' || message.role === 'developer') {
      system.push(...contentOf(message));
      continue;
    }
    const turn = turnOf(message);
    const last = turns.at(-1);
    // Results of several tools belong into one turn.
    if (last?.role === turn.role) last.content.push(...turn.content);
    else turns.push(turn);
  }
  return {
    model,
    max_tokens: payload.max_completion_tokens ?? payload.max_tokens ?? DEFAULT_MAX_TOKENS,
    messages: turns as unknown as Json[],
    ...(system.length > 0 && { system: textOf(system, '\n\n') }),
    // Chats go up to 2, messages to 1.
    ...(heat !== undefined && { temperature: heat > 1 ? 1 : temperature }),
    ...(asNumber(top_p) !== undefined && { top_p }),
    ...(stop !== undefined && stop !== null && { stop_sequences: Array.isArray(stop) ? stop : [stop] }),
    ...(Array.isArray(tools) && tools.length > 0 && { tools: tools.map(toolOf), ...choiceOf(payload) }),
  };
}

function turnOf(message: JsonObject): Turn {
  const content = contentOf(message);
  if (message.role === 'user') return { role: 'user', content };
  if (message.role === 'tool') {
    const result = { type: 'tool_result', tool_use_id: message.tool_call_id ?? null, content };
    return { role: 'user', content: [result] };
  }
  if (message.role !== 'assistant') throw refuse(`there is no role ${JSON.stringify(message.role ?? null)}`);
  const calls = Array.isArray(message.tool_calls) ? message.tool_calls : [];
  return { role: 'assistant', content: [...content, ...calls.map(toolUseOf)] };
}

/** A message's content as blocks; empty texts, which the API refuses, are left out. */
function contentOf({ content }: JsonObject): JsonObject[] {
  const parts = typeof content === 'string' ? [{ type: 'text', text: content }] : (content ?? []);
  if (!Array.isArray(parts)) throw refuse('the content of a message is neither text nor parts');
  return parts.map(blockOf).filter((block) => block.text !== '');
}

function textOf(blocks: JsonObject[], separator: string): string {
  return blocks
    .flatMap(({ type, text }) => (type === 'text' && typeof text === 'string' ? [text] : []))
    .join(separator);
}

function blockOf(part: Json): JsonObject {
  if (isJsonObject(part)) {
    if (part.type === 'text' && typeof part.text === 'string') return { type: 'text', text: part.text };
    if (part.type === 'refusal' && typeof part.refusal === 'string')
      return { type: 'text', text: part.refusal };
    if (part.type === 'image_url' && isJsonObject(part.image_url)) return imageOf(part.image_url.url);
  }
  const type = isJsonObject(part) ? part.type : part;
  throw refuse(`a content part of type ${JSON.stringify(type ?? null)} has no counterpart`);
}

function imageOf(url: Json | undefined): JsonObject {
  if (typeof url !== 'string') throw refuse('an image has no URL');
  if (/^https?:/i.test(url)) return { type: 'image', source: { type: 'url', url } };
  const [, mediaType, data] = /^data:([\w.+/-]+);base64,(.*)$/s.exec(url) ?? [];
  if (mediaType === undefined || data === undefined)
    throw refuse('an image is neither a URL nor base64 data');
  return { type: 'image', source: { type: 'base64', media_type: mediaType, data } };
}

function toolUseOf(call: Json): JsonObject {
  if (!isJsonObject(call) || !isJsonObject(call.function)) throw refuse('a tool call is not a function call');
  const { name = null, arguments: text } = call.function;
  try {
    const input = new JsonText(typeof text === 'string' && text !== '' ? text : '{}').exact;
    return { type: 'tool_use', id: call.id ?? null, name, input };
  } catch {
    throw refuse('the arguments of a tool call are not JSON');
  }
}

function toolOf(tool: Json): JsonObject {
  if (!isJsonObject(tool) || !isJsonObject(tool.function)) throw refuse('a tool is not a function');
  const { name = null, description, parameters } = tool.function;
  return {
    name,
    ...(description !== undefined && { description }),
    input_schema: parameters ?? { type: 'object', properties: {} },
  };
}

function choiceOf({ tool_choice: choice, parallel_tool_calls: parallel }: JsonObject): JsonObject {
  const single = parallel === false && { disable_parallel_tool_use: true };
  if (choice === undefined || choice === null || choice === 'auto') {
    return single ? { tool_choice: { type: 'auto', ...single } } : {};
  }
  if (choice === 'none') return { tool_choice: { type: 'none' } };
  if (choice === 'required') return { tool_choice: { type: 'any', ...single } };
  if (isJsonObject(choice) && isJsonObject(choice.function)) {
    return { tool_choice: { type: 'tool', name: choice.function.name ?? null, ...single } };
  }
  throw refuse('tool_choice is none that it knows');
}

/** @throws ModelError for anything but a message */
export function toCompletion(answer: Json): JsonObject {
  if (!isJsonObject(answer) || !Array.isArray(answer.content)) {
    throw new ModelError('The response is not a message of the Messages API.', true);
  }
  const blocks = answer.content.filter(isJsonObject);
  const text = textOf(blocks, '');
  const calls = blocks
    .filter((block) => block.type === 'tool_use')
    .map(({ id = null, name = null, input }) => ({
      id,
      type: 'function',
      function: { name, arguments: writeJson(input ?? {}) },
    }));
  return {
    id: answer.id ?? null,
    object: 'chat.completion',
    created: Math.floor(Date.now() / 1000),
    model: answer.model ?? null,
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: text === '' && calls.length > 0 ? null : text,
          refusal: null,
          ...(calls.length > 0 && { tool_calls: calls }),
        },
        logprobs: null,
        finish_reason: FINISH_REASONS.get(answer.stop_reason) ?? answer.stop_reason ?? null,
      },
    ],
    ...(isJsonObject(answer.usage) && { usage: usageOf(answer.usage) }),
  };
}

/** What came from a cache or went into one is counted apart there. */
function usageOf(usage: JsonObject): JsonObject {
  const count = (name: string): number => asNumber(usage[name]) ?? 0;
  const prompt =
    count('input_tokens') + count('cache_creation_input_tokens') + count('cache_read_input_tokens');
  const completion = count('output_tokens');
  const cached = count('cache_read_input_tokens');
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    ...(cached > 0 && { prompt_tokens_details: { cached_tokens: cached } }),
  };
}
