import { isJsonObject, JsonText, numbersOf, type Json } from '@hitl/domain';
import { field, FLAG, LIST, OBJECT, NON_EMPTY_TEXT, oneOf, readObject, TEXT } from '@hitl/shapes';
import { invalid, metadataOf, textOf, type JsonObject } from './chat';

/** A request of the Responses API as the chat that the model gets. */
export interface ResponsesRequest {
  payload: JsonText;
  background: boolean;
  metadata?: Record<string, string>;
  /** The request without its input, as it came: what a response repeats. */
  askedFor: JsonText;
}

/** Parameters that chat completions has under the same name. */
const SAME_NAME = [
  'temperature',
  'top_p',
  'top_logprobs',
  'user',
  'safety_identifier',
  'prompt_cache_key',
  'prompt_cache_retention',
  'service_tier',
] as const;
const OPTIONAL = { optional: true };
const POLLED = { optional: true, remedy: 'only chat completions stream; poll, or leave it out' };
/** The parameters that are translated, or that ask the model for nothing. Null is the same as none. */
class ResponsesBody {
  @field(NON_EMPTY_TEXT, { remedy: 'name the model' }) model: string;
  @field({}, OPTIONAL) input?: Json;
  @field(TEXT, OPTIONAL) instructions?: string;
  @field(FLAG, OPTIONAL) background?: boolean;
  @field(OBJECT, OPTIONAL) metadata?: JsonObject;
  @field({}, OPTIONAL) max_output_tokens?: Json;
  @field(OBJECT, OPTIONAL) text?: JsonObject;
  @field(OBJECT, OPTIONAL) reasoning?: JsonObject;
  @field(LIST, OPTIONAL) tools?: Json[];
  @field({}, OPTIONAL) tool_choice?: Json;
  @field(FLAG, OPTIONAL) parallel_tool_calls?: boolean;
  @field(LIST, OPTIONAL) include?: Json[];
  @field(FLAG, OPTIONAL) store?: boolean;
  @field({}, OPTIONAL) client_metadata?: Json;
  @field(oneOf([false]), POLLED) stream?: false;
  @field(oneOf(['auto', 'disabled']), OPTIONAL) truncation?: 'auto' | 'disabled';
}
for (const name of SAME_NAME) field({}, OPTIONAL)(ResponsesBody.prototype, name);

/** OpenAI's models that refuse `max_tokens`; others know it longer than its successor. */
const WANTS_COMPLETION_TOKENS = /^(?:.*\/)?(?:o\d|gpt-(?:[5-9]|\d\d)|codex)/;
/** References to earlier items that one request may have. */
const MAX_REFERENCES = 100;

/** Numbers that a request may have: to translate a request and keep their spelling takes far longer than to read it. */
const MAX_NUMBERS = 100_000;

/** Items of earlier responses, by their ids. */
export type KnownItems = ReadonlyMap<string, JsonObject>;

/** The ids of the earlier items that a request refers to. @throws DomainError invalid_request for too many */
export function referencesIn(body: unknown): string[] {
  const value = body instanceof JsonText ? body.value : null;
  const input = isJsonObject(value) ? value.input : undefined;
  if (!Array.isArray(input)) return [];
  const ids = input.flatMap((item) => (isReference(item) && typeof item.id === 'string' ? [item.id] : []));
  if (ids.length > MAX_REFERENCES)
    throw invalid('input', `has more than ${MAX_REFERENCES} references to items`);
  return ids;
}

/**
 * @param known what {@link referencesIn} names, as far as it is there
 * @throws DomainError invalid_request naming the parameter that is missing, wrong or not understood
 */
export function readResponsesRequest(body: unknown, known: KnownItems = new Map()): ResponsesRequest {
  if (body instanceof JsonText) requireFewNumbers(body.text);
  const fields = body instanceof JsonText ? body.exact : null;
  if (!(body instanceof JsonText) || !isJsonObject(fields))
    throw invalid('', 'the body must be a JSON object');
  const { model, input, instructions, background = false, ...given } = readBody(fields);
  const limit = given.max_output_tokens;
  return {
    background,
    metadata: metadataOf(body.member('metadata')),
    askedFor: body.without('input'),
    payload: JsonText.of({
      model,
      messages: [
        ...(instructions === undefined ? [] : [{ role: 'system', content: instructions }]),
        ...readInput(input, known),
      ],
      ...(limit !== undefined && {
        [WANTS_COMPLETION_TOKENS.test(model) ? 'max_completion_tokens' : 'max_tokens']: limit,
      }),
      ...Object.fromEntries(
        SAME_NAME.flatMap((name) => (given[name] === undefined ? [] : [[name, given[name]]])),
      ),
      ...readText(given.text),
      ...readReasoning(given.reasoning),
      ...readTools(given),
      ...readInclude(given.include, given.top_logprobs),
    }),
  };
}

/** @throws DomainError invalid_request naming the first parameter that is missing, wrong or not understood */
function readBody(fields: JsonObject): ResponsesBody & { [Name in (typeof SAME_NAME)[number]]?: Json } {
  const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
  return readObject(ResponsesBody, given, [], {
    unknown: 'is not understood by this server',
    note([name = ''], detail) {
      throw invalid(String(name), detail);
    },
  });
}

function requireFewNumbers(text: string): void {
  const numbers = numbersOf(text);
  for (let count = 0; numbers.next().done === false; count += 1) {
    if (count === MAX_NUMBERS) throw invalid('', `the body has more than ${MAX_NUMBERS} numbers`);
  }
}

function readText({ format = null, verbosity }: JsonObject = {}): JsonObject {
  return {
    ...(isJsonObject(format) && format.type !== 'text' && { response_format: toResponseFormat(format) }),
    ...(typeof verbosity === 'string' && { verbosity }),
  };
}

/** The Responses API keeps the schema beside the type, chat completions inside `json_schema`. */
function toResponseFormat({ type, ...schema }: JsonObject): JsonObject {
  return type === 'json_schema' ? { type, json_schema: schema } : { type: type ?? 'text' };
}

function readReasoning({ effort = null, ...more }: JsonObject = {}): JsonObject {
  for (const [name, value] of Object.entries(more)) {
    // A summary is there when the model gives one, and that is what `auto` asks for.
    if (value !== null && value !== 'auto')
      throw invalid(`reasoning.${name}`, 'is not offered by this server');
  }
  return effort === null ? {} : { reasoning_effort: effort };
}

/** Functions, and how they may be called; what has no tools has nothing to choose. */
function readTools({
  tools = [],
  tool_choice: choice = 'auto',
  parallel_tool_calls: parallel,
}: Partial<ResponsesBody>): JsonObject {
  const functions = tools.map((tool, index): JsonObject => {
    if (!isJsonObject(tool) || tool.type !== 'function' || typeof tool.name !== 'string') {
      throw invalid(`tools[${index}]`, 'must be a function with a name: this server offers no other tools');
    }
    const { type, ...definition } = tool;
    return { type, function: definition };
  });
  if (functions.length === 0) {
    if (choice === 'auto' || choice === 'none') return {};
    throw invalid('tool_choice', 'asks for a tool, and there are no tools');
  }
  return {
    tools: functions,
    ...(choice !== 'auto' && { tool_choice: readChoice(choice) }),
    ...(parallel !== undefined && { parallel_tool_calls: parallel }),
  };
}

function readChoice(choice: Json): Json {
  if (choice === 'none' || choice === 'required') return choice;
  if (isJsonObject(choice) && choice.type === 'function' && typeof choice.name === 'string') {
    return { type: 'function', function: { name: choice.name } };
  }
  throw invalid('tool_choice', 'must be auto, none, required or a function with a name');
}

/** Of all that can be included, only logprobs can be there: the rest belongs to items that no response here has. */
function readInclude(include: Json[] = [], topLogprobs: Json | undefined): JsonObject {
  const isAsked = include.includes('message.output_text.logprobs') || topLogprobs !== undefined;
  return isAsked ? { logprobs: true } : {};
}

function readInput(input: Json | undefined, known: KnownItems): JsonObject[] {
  if (typeof input === 'string' && input !== '') return [{ role: 'user', content: input }];
  if (!Array.isArray(input) || input.length === 0)
    throw invalid('input', 'must be a text or a list of items, and not be empty');
  const messages: JsonObject[] = [];
  input.forEach((item, index) => {
    const name = `input[${index}]`;
    const found = isReference(item) ? known.get(textOf(item.id ?? null)) : item;
    if (found === undefined) {
      throw invalid(`${name}.id`, 'refers to no item of an approved response of this server');
    }
    addItem(messages, found, name);
  });
  if (messages.length === 0) throw invalid('input', 'must have a message');
  return messages;
}

function isReference(item: Json): item is JsonObject {
  return isJsonObject(item) && item.type === 'item_reference';
}

/** A chat has the calls of a response in the response's own message. */
function addItem(messages: JsonObject[], item: Json, name: string): void {
  const type = isJsonObject(item) ? (item.type ?? 'message') : undefined;
  if (!isJsonObject(item) || typeof type !== 'string') throw invalid(name, 'must be an item');
  switch (type) {
    case 'message':
      messages.push(readMessage(item, name));
      return;
    case 'function_call': {
      const call = {
        id: item.call_id ?? null,
        type: 'function',
        function: { name: item.name ?? null, arguments: item.arguments ?? '' },
      };
      const last = messages.at(-1);
      if (last?.role === 'assistant') {
        last.tool_calls = [...(Array.isArray(last.tool_calls) ? last.tool_calls : []), call];
      } else {
        messages.push({ role: 'assistant', content: null, tool_calls: [call] });
      }
      return;
    }
    case 'function_call_output':
      messages.push({
        role: 'tool',
        tool_call_id: item.call_id ?? null,
        content: readContent(item.output, `${name}.output`),
      });
      return;
    case 'reasoning':
      // Chats do not take a model's earlier thoughts back.
      return;
    default:
      throw invalid(name, 'must be a message, a function_call, a function_call_output or a reasoning item');
  }
}

function readMessage(item: JsonObject, name: string): JsonObject {
  if (typeof item.role !== 'string') throw invalid(`${name}.role`, 'must be a text');
  return {
    role: item.role === 'developer' ? 'system' : item.role,
    content: readContent(item.content, `${name}.content`),
  };
}

function readContent(content: Json | undefined, name: string): Json {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) throw invalid(name, 'must be a text or a list of parts');
  return content.map((part, index): Json => {
    const read = isJsonObject(part) ? readPart(part) : undefined;
    if (read) return read;
    throw invalid(
      `${name}[${index}]`,
      'must be a text, an input_image with an image_url, an input_file with file_data or a file_id, or an input_audio',
    );
  });
}

function readPart(part: JsonObject): JsonObject | undefined {
  if (typeof part.text === 'string') return { type: 'text', text: part.text };
  switch (part.type) {
    case 'refusal':
      return typeof part.refusal === 'string' ? { type: 'refusal', refusal: part.refusal } : undefined;
    case 'input_image': {
      const { image_url: url, detail } = part;
      if (typeof url !== 'string') return undefined;
      return { type: 'image_url', image_url: { url, ...(typeof detail === 'string' && { detail }) } };
    }
    case 'input_file': {
      const { file_data: data, file_id: id, filename } = part;
      if (typeof data !== 'string' && typeof id !== 'string') return undefined;
      const named = typeof filename === 'string' && { filename };
      return {
        type: 'file',
        file: { ...named, ...(typeof data === 'string' ? { file_data: data } : { file_id: id ?? null }) },
      };
    }
    case 'input_audio':
      return isJsonObject(part.input_audio)
        ? { type: 'input_audio', input_audio: part.input_audio }
        : undefined;
    default:
      return undefined;
  }
}
