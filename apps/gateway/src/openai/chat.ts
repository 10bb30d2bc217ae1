import { DomainError, isJsonObject, type Job, type Json } from '@hitl/domain';
import { quote } from '../http/parameters';

export interface JsonObject {
  [key: string]: Json;
}

/** A chat completion request, apart from how its answer is to be sent. */
export interface ChatRequest {
  /** What the model gets: the request without `stream` and `stream_options`. */
  payload: JsonObject;
  stream: boolean;
  includeUsage: boolean;
  metadata?: Record<string, string>;
}

/** @throws DomainError invalid_request naming the parameter */
export function readChatRequest(body: unknown): ChatRequest {
  if (!isJsonObject(body)) throw invalid('', 'the body must be a JSON object');
  const { stream = null, stream_options: options = null, ...payload } = body;
  if (typeof payload.model !== 'string' || payload.model === '')
    throw invalid('model', 'names the model, a text');
  const { messages } = payload;
  if (!Array.isArray(messages) || messages.length === 0)
    throw invalid('messages', 'must be a list with a message');
  messages.forEach((message, index) => {
    if (!isJsonObject(message) || typeof message.role !== 'string') {
      throw invalid(`messages[${index}]`, 'must be an object with a role');
    }
  });
  if (stream !== null && typeof stream !== 'boolean') throw invalid('stream', 'must be true or false');
  if (options !== null && !isJsonObject(options)) throw invalid('stream_options', 'must be an object');
  return {
    payload,
    stream: stream === true,
    includeUsage: options?.include_usage === true,
    metadata: textsOf(payload.metadata),
  };
}

/** An approved response as a chat completion; a reviewer may have made another shape of it. */
export function toChatCompletion(job: Job): JsonObject {
  const { response, payload } = job;
  if (isJsonObject(response) && Array.isArray(response.choices)) return response;
  return {
    id: `chatcmpl-${job.id}`,
    object: 'chat.completion',
    created: Math.floor(job.createdAt.getTime() / 1000),
    model: isJsonObject(payload) ? (payload.model ?? '') : '',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: textOf(response), refusal: null },
        logprobs: null,
        finish_reason: 'stop',
      },
    ],
    ...(job.usage && { usage: { ...job.usage } }),
  };
}

/** The first choice's text. */
export function completionText(completion: JsonObject): string {
  const choice = Array.isArray(completion.choices) ? completion.choices[0] : undefined;
  const message = isJsonObject(choice) ? choice.message : undefined;
  return isJsonObject(message) ? textOf(message.content ?? null) : '';
}

/** Characters that one chunk carries at most. */
const CHUNK_LENGTH = 1024;

/** An approved completion in the pieces of a stream. */
export function* toChunks(completion: JsonObject, includeUsage: boolean): Generator<JsonObject> {
  const head = {
    id: completion.id ?? '',
    object: 'chat.completion.chunk',
    created: completion.created ?? 0,
    model: completion.model ?? '',
  };
  const choices = (completion.choices as Json[]).filter(isJsonObject);
  for (const [position, choice] of choices.entries()) {
    const index = choice.index ?? position;
    const message = isJsonObject(choice.message) ? choice.message : {};
    const chunk = (delta: JsonObject, finish: Json = null): JsonObject => ({
      ...head,
      choices: [{ index, delta, logprobs: null, finish_reason: finish }],
      ...(includeUsage && { usage: null }),
    });
    const { content, tool_calls: toolCalls, ...rest } = message;
    yield chunk({ ...rest, role: message.role ?? 'assistant', content: '' });
    for (const part of pieces(textOf(content ?? null))) yield chunk({ content: part });
    if (Array.isArray(toolCalls)) {
      const calls = toolCalls.filter(isJsonObject).map((call, order) => ({ ...call, index: order }));
      yield chunk({ tool_calls: calls });
    }
    yield chunk({}, choice.finish_reason ?? 'stop');
  }
  if (includeUsage) yield { ...head, choices: [], usage: completion.usage ?? null };
}

/** Cuts a text between characters, never inside one. */
function* pieces(text: string): Generator<string> {
  let piece = '';
  for (const character of text) {
    piece += character;
    if (piece.length < CHUNK_LENGTH) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}

function textOf(value: Json): string {
  if (typeof value === 'string') return value;
  return value === null ? '' : JSON.stringify(value);
}

/** The entries that are texts, as many as a job's metadata takes; undefined where there are none. */
export function textsOf(metadata: Json | undefined): Record<string, string> | undefined {
  if (!isJsonObject(metadata)) return undefined;
  const texts = Object.entries(metadata).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1].length <= 1024,
  );
  return texts.length > 0 ? Object.fromEntries(texts.slice(0, 64)) : undefined;
}

/** A refusal that names a parameter. */
export function invalid(parameter: string, detail: string): DomainError {
  const name = parameter === '' ? '' : `${quote(parameter)}: `;
  return new DomainError('invalid_request', `${name}${detail}.`, [{ pointer: parameter, detail }]);
}
