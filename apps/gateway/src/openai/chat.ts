import {
  DomainError,
  isJsonObject,
  JsonText,
  membersOf,
  storable,
  writeJson,
  type Job,
  type Json,
} from '@hitl/domain';
import { quote } from '@hitl/shapes';

export interface JsonObject {
  [key: string]: Json;
}

/** A chat completion request, apart from how its response is to be sent. */
export interface ChatRequest {
  /** What the model gets: the request without `stream` and `stream_options`. */
  payload: JsonText;
  stream: boolean;
  includeUsage: boolean;
  metadata?: Record<string, string>;
}

/** @throws DomainError invalid_request naming the parameter */
export function readChatRequest(body: unknown): ChatRequest {
  const value = body instanceof JsonText ? body.value : null;
  if (!(body instanceof JsonText) || !isJsonObject(value))
    throw invalid('', 'the body must be a JSON object');
  const { stream = null, stream_options: options = null, ...fields } = value;
  if (typeof fields.model !== 'string' || fields.model === '')
    throw invalid('model', 'names the model, a text');
  const { messages } = fields;
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
    payload: new JsonText(body.without('stream', 'stream_options').text, fields),
    stream: stream === true,
    includeUsage: options?.include_usage === true,
    metadata: metadataOf(body.member('metadata')),
  };
}

/** An approved response as the reply to a chat: the very text where it is a completion. */
export function toChatResponse(job: Job): JsonObject | JsonText {
  return job.response !== null && hasChoices(job.response.value) ? job.response : toChatCompletion(job);
}

/** An approved response as a chat completion, to make other JSON of; a reviewer may have made another shape of it. */
export function toChatCompletion(job: Job): JsonObject {
  const response = job.response?.exact ?? null;
  return hasChoices(response) ? response : asCompletion(job);
}

/** The same for {@link toChunks}, which cuts little of it: the rest is the text that it is, however much there is. */
export function toStreamedCompletion(job: Job): JsonObject {
  const completion = shallow(job.response as unknown as Json);
  const choices = isJsonObject(completion) ? shallow(completion.choices ?? null) : null;
  if (!isJsonObject(completion) || !Array.isArray(choices)) return asCompletion(job);
  return {
    ...completion,
    choices: choices.map(shallow).map((choice): Json => {
      const message = isJsonObject(choice) ? shallow(choice.message ?? null) : null;
      if (!isJsonObject(choice) || !isJsonObject(message)) return choice;
      const calls = shallow(message.tool_calls ?? null);
      if (!Array.isArray(calls)) return { ...choice, message };
      return { ...choice, message: { ...message, tool_calls: calls.map(shallow) } };
    }),
  };
}

/** What {@link JsonText.shallow} makes of a text; any other value as it is. */
function shallow(value: Json): Json {
  const json: unknown = value;
  return json instanceof JsonText ? json.shallow : value;
}

/** A response of another shape as a completion with its text. */
function asCompletion(job: Job): JsonObject {
  const { response } = job;
  const value = response?.isText === true ? response.value : null;
  const text = typeof value === 'string' ? value : response === null || response.isNull ? '' : response.text;
  return {
    id: `chatcmpl-${job.id}`,
    object: 'chat.completion',
    created: Math.floor(job.createdAt.getTime() / 1000),
    model: job.model ?? '',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: text, refusal: null },
        logprobs: null,
        finish_reason: 'stop',
      },
    ],
    ...(job.usage && { usage: { ...job.usage } }),
  };
}

function hasChoices(response: Json): response is JsonObject {
  return isJsonObject(response) && Array.isArray(response.choices);
}

/** Characters that one chunk carries at most. */
const CHUNK_LENGTH = 1024;

/**
 * An approved completion in the pieces of a stream, for writeJson. All that the completion has is in them, and nothing else: its short
 * fields in each piece, lists and objects in the last piece of the last choice. Usage that was not asked for is there,
 * too; asked for, it has a piece of its own, as OpenAI sends it.
 */
export function* toChunks(completion: JsonObject, includeUsage: boolean): Generator<JsonObject> {
  const { choices: all, usage = null, ...rest } = completion;
  const entries = Object.entries(rest);
  const head: JsonObject = {
    ...Object.fromEntries(entries.filter(([, value]) => isShort(value))),
    object: 'chat.completion.chunk',
  };
  const tail: JsonObject = Object.fromEntries(entries.filter(([, value]) => !isShort(value)));
  if (usage !== null && !includeUsage) tail.usage = usage;
  const choices = (all as Json[]).filter(isJsonObject);
  for (const [position, choice] of choices.entries()) {
    const isLast = position === choices.length - 1;
    const { index = position, message, finish_reason: finish = null, logprobs, ...more } = choice;
    const chunk = (delta: JsonObject, fields: JsonObject = {}, ending: JsonObject = {}): JsonObject => ({
      ...head,
      choices: [
        { index, delta, ...(logprobs !== undefined && { logprobs: null }), finish_reason: null, ...fields },
      ],
      ...(includeUsage && { usage: null }),
      ...ending,
    });
    const deltas = toDeltas(isJsonObject(message) ? message : {});
    for (const [order, delta] of deltas.entries()) {
      // Logprobs belong to the text, which begins with the second piece.
      const isTheirs = logprobs !== undefined && order === Math.min(1, deltas.length - 1);
      yield chunk(delta, isTheirs ? { logprobs } : {});
    }
    yield chunk({}, { ...more, finish_reason: finish }, isLast ? tail : {});
  }
  if (includeUsage && usage !== null) yield { ...head, choices: [], usage };
}

/** A message in pieces: first all but its content and its calls, then its content, then its calls. */
function toDeltas({ content, tool_calls: calls, ...rest }: JsonObject): JsonObject[] {
  const first: JsonObject = { role: 'assistant', ...rest };
  const deltas: JsonObject[] = [first];
  if (typeof content === 'string') {
    first.content = '';
    for (const piece of pieces(content)) deltas.push({ content: piece });
  } else if (content === null) {
    first.content = null;
  } else if (content !== undefined) {
    // Parts come whole: clients join texts, and no two of them agree on how to join parts.
    deltas.push({ content });
  }
  if (Array.isArray(calls)) {
    const numbered = calls.filter(isJsonObject).map((call, order) => ({ ...call, index: order }));
    if (numbered.length > 0) deltas.push({ tool_calls: numbered });
  } else if (calls !== undefined) {
    first.tool_calls = calls;
  }
  return deltas;
}

/** Whether a field costs little in each piece of a stream. */
function isShort(value: Json): boolean {
  // A number may be a text, too, and as long; so are the objects and lists of a large completion.
  const json: unknown = value;
  if (json instanceof JsonText && /^[[{]/.test(json.text)) return false;
  const text: unknown = json instanceof JsonText ? json.text : value;
  if (typeof text === 'string') return text.length <= 256;
  return typeof value !== 'object' || value === null;
}

/** Cuts a text into the pieces of a stream: between characters, never inside one. */
export function* pieces(text: string): Generator<string> {
  let piece = '';
  for (const character of text) {
    piece += character;
    if (piece.length < CHUNK_LENGTH) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}

export function textOf(value: Json): string {
  if (typeof value === 'string') return value;
  return value === null ? '' : writeJson(value);
}

/** Characters of a metadata entry, and entries, that a job keeps. */
const MAX_METADATA_LENGTH = 1024;
const MAX_METADATA = 64;

/**
 * A job's metadata, which is texts: other values as the JSON that they are, as it is written. Undefined where there is none.
 * @throws DomainError invalid_request where it is no object
 */
export function metadataOf(metadata: JsonText | null): Record<string, string> | undefined {
  if (metadata === null || metadata.isNull) return undefined;
  if (!metadata.isObject) throw invalid('metadata', 'must be an object');
  const entries = membersOf(metadata.text).slice(0, MAX_METADATA);
  if (entries.length === 0) return undefined;
  return Object.fromEntries(
    entries.map(({ key, start, end }) => {
      const json = metadata.text.slice(start, end);
      const text = json.startsWith('"') ? (JSON.parse(json) as string) : json;
      return [storable(key), storable(text.slice(0, MAX_METADATA_LENGTH))];
    }),
  );
}

/** A refusal that names a parameter. */
export function invalid(parameter: string, detail: string): DomainError {
  const name = parameter === '' ? '' : `${quote(parameter)}: `;
  return new DomainError('invalid_request', `${name}${detail}.`, [{ pointer: parameter, detail }]);
}
