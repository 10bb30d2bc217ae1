import { DomainError, type FieldFault } from '../errors';
import { isJsonObject, type Json, type JsonText } from '../json';
import { nestsDeeper } from '../json-scan';
import { storable } from '../chat/asked';
import { membersOf } from '../json-scan';
import type { Job } from './job.entity';
import { formatOf, toolsOf, type Format } from './asked-format';
import { checkSchema } from './response-schema';

type JsonObject = { [key: string]: Json };

/** How long after its beginning the check of an answer begins with no further schema, in milliseconds. */
const MAX_CHECK_MS = 2000;
/** Faults of an answer that are told at most, and as many findings that could not be made. */
const MAX_FAULTS = 20;
/** A request of more characters or bytes is not read as a whole: what is looked at is a small part of it. */
const LARGE_REQUEST = 131_072;
/** What is looked at, but for whether there are messages. */
const LOOKED_AT: readonly string[] = [
  'response_format',
  'text',
  'output_config',
  'output_format',
  'tools',
  'functions',
];

/** Deepest nesting of JSON in a text that is read: reading deeper ones takes long, and no tool takes them. */
const MAX_DEPTH = 500;

/** What was found about an answer: how it breaks what was asked for, and what of that could not be checked. */
export interface CheckedAnswer {
  faults: FieldFault[];
  unchecked: FieldFault[];
}

/**
 * Checks an answer against what its request asks for: the job's response_schema, the format that the request wants
 * (`response_format`, `text.format`), the tools that it offers and their parameters, and the form that the API gives
 * its answers, without which clients fail. An answer in a form of a reviewer's own is a chat's text.
 * @param owner on whose behalf
 * @throws DomainError unavailable, while too much is being checked
 */
export async function checkAnswer(
  {
    payload,
    originalPayload,
    responseSchema,
    anthropicHeaders,
  }: Pick<Job, 'payload' | 'originalPayload' | 'responseSchema' | 'anthropicHeaders'>,
  response: JsonText,
  owner: string,
): Promise<CheckedAnswer> {
  const check = new AnswerCheck(requestOf(originalPayload ?? payload), anthropicHeaders !== null);
  if (responseSchema !== null) check.ownSchema(responseSchema.value, response.value);
  check.answer(response.value);
  return check.result(owner);
}

/** A request as far as it is looked at: to read all of a large one takes the thread that serves others too long. */
function requestOf(payload: JsonText): JsonObject {
  if (payload.size <= LARGE_REQUEST) return isJsonObject(payload.value) ? payload.value : {};
  const request: JsonObject = {};
  for (const { key, start, end } of membersOf(payload.text)) {
    if (key === 'messages' && payload.text[start] === '[') request.messages = [];
    else if (LOOKED_AT.includes(key)) request[key] = JSON.parse(payload.text.slice(start, end)) as Json;
  }
  return request;
}

/** @throws DomainError schema_mismatch naming where and how an answer breaks what was asked for */
export function requireNoFaults(faults: FieldFault[]): void {
  if (faults.length === 0) return;
  const told = faults.map(({ pointer, detail }) => `${pointer}: ${detail}`).join('; ');
  throw new DomainError(
    'schema_mismatch',
    `The response is not what the request asks for: ${told}. Nothing was decided; correct it, then decide again.`,
    faults,
  );
}

class AnswerCheck {
  /** In the order in which they are told. */
  private readonly found: (FieldFault | SchemaCheck)[] = [];
  private readonly request: JsonObject;
  private readonly format: Format | null;
  private readonly tools: Map<string, Json>;

  /** @param isMessages whether clients read the answer as a message of Anthropic's Messages API */
  constructor(
    request: JsonObject,
    private readonly isMessages: boolean,
  ) {
    this.request = request;
    this.format = formatOf(this.request);
    this.tools = toolsOf(this.request);
  }

  /** The schema of the job itself was usable when it came: an answer that cannot be checked against it is at fault. */
  ownSchema(schema: Json, response: Json): void {
    this.found.push({ schema, value: response, at: '/response', isText: false, isOwn: true });
  }

  /** What was found, once the schemas have been asked, too. */
  async result(owner: string): Promise<CheckedAnswer> {
    const startedAt = performance.now();
    const faults: FieldFault[] = [];
    const unchecked: FieldFault[] = [];
    for (const one of this.found) {
      if ('detail' in one) {
        faults.push(one);
        continue;
      }
      const { schema, value, at, isText, isOwn } = one;
      if (performance.now() - startedAt > MAX_CHECK_MS) {
        unchecked.push({ pointer: at, detail: 'could not be checked in time' });
        continue;
      }
      const findings = await checkSchema(schema, value, isText ? '' : at, owner);
      faults.push(...findings.faults.map((fault) => (isText ? inText(fault, at) : fault)));
      const open = findings.unchecked.map((detail) => ({ pointer: at, detail }));
      (isOwn ? faults : unchecked).push(...open);
    }
    return {
      faults: faults.slice(0, MAX_FAULTS).map(storableFault),
      unchecked: unchecked.slice(0, MAX_FAULTS).map(storableFault),
    };
  }

  answer(response: Json): void {
    const isChat = Array.isArray(this.request.messages);
    if (isJsonObject(response)) {
      if (this.isMessages) {
        this.anthropicMessage(response);
        return;
      }
      if ('choices' in response && (isChat || response.object === 'chat.completion')) {
        this.completion(response);
        return;
      }
      if (response.object === 'response') {
        this.items(response.output, '/response/output');
        return;
      }
      if (response.type === 'message' && Array.isArray(response.content)) {
        this.blocks(response.content);
        return;
      }
    }
    // Such as it is, it becomes the text of a chat.
    if (isChat) this.text(response, '/response');
  }

  /** A chat completion, as clients read it. */
  private completion({ choices }: JsonObject): void {
    const at = '/response/choices';
    if (!Array.isArray(choices) || choices.length === 0) {
      this.fault(at, 'must be a list with a choice');
      return;
    }
    for (const [index, choice] of choices.entries()) {
      const message = isJsonObject(choice) ? choice.message : undefined;
      if (!isJsonObject(choice)) this.fault(`${at}/${index}`, 'must be an object');
      else if (!isJsonObject(message)) this.fault(`${at}/${index}/message`, 'must be an object');
      else this.message(message, `${at}/${index}/message`);
    }
  }

  private message(message: JsonObject, at: string): void {
    const {
      role,
      content = null,
      refusal = null,
      tool_calls: calls = null,
      function_call: call = null,
    } = message;
    if (role !== undefined && typeof role !== 'string') this.fault(`${at}/role`, 'must be a text');
    if (refusal !== null && typeof refusal !== 'string')
      this.fault(`${at}/refusal`, 'must be a text or null');
    if (calls !== null && !Array.isArray(calls)) this.fault(`${at}/tool_calls`, 'must be a list');
    for (const [index, one] of (Array.isArray(calls) ? calls : []).entries()) {
      this.toolCall(one, `${at}/tool_calls/${index}`);
    }
    if (call !== null) this.functionCall(call, `${at}/function_call`);
    const hasCalls = call !== null || (Array.isArray(calls) && calls.length > 0);
    const text = this.textOf(content, `${at}/content`);
    if (text === null || (text === '' && (hasCalls || content === null))) {
      if (content === null && !hasCalls && refusal === null) this.text('', `${at}/content`);
      return;
    }
    if (!hasCalls && !refusal) this.text(text, `${at}/content`);
  }

  /** The text of a message; null for one in no form that there is. */
  private textOf(content: Json, at: string): string | null {
    if (content === null) return '';
    if (typeof content === 'string') return content;
    if (!Array.isArray(content)) {
      this.fault(at, 'must be a text, a list of parts, or null');
      return null;
    }
    const texts = content.map((part, index) => {
      if (!isJsonObject(part) || typeof part.type !== 'string') {
        this.fault(`${at}/${index}`, 'must be an object with a type');
        return '';
      }
      return typeof part.text === 'string' ? part.text : '';
    });
    return texts.join('');
  }

  private toolCall(call: Json, at: string): void {
    if (!isJsonObject(call)) {
      this.fault(at, 'must be an object');
      return;
    }
    const { id, type = 'function' } = call;
    if (id !== undefined && typeof id !== 'string') this.fault(`${at}/id`, 'must be a text');
    if (type === 'function') this.functionCall(call.function ?? null, `${at}/function`);
  }

  private functionCall(call: Json, at: string): void {
    if (!isJsonObject(call)) {
      this.fault(at, 'must be an object');
      return;
    }
    const { name, arguments: text } = call;
    this.toolName(name, `${at}/name`);
    if (typeof text !== 'string') {
      this.fault(`${at}/arguments`, 'must be JSON as a text');
      return;
    }
    const values = this.parsed(text, `${at}/arguments`);
    if (values === undefined) return;
    if (isJsonObject(values)) this.toolArguments(name, values, `${at}/arguments`, true);
    else this.fault(`${at}/arguments`, 'must be a JSON object');
  }

  private toolName(name: Json | undefined, at: string): void {
    if (typeof name !== 'string' || name === '') this.fault(at, 'must name a tool');
    else if (this.tools.size > 0 && !this.tools.has(name)) {
      const offered = [...this.tools.keys()].slice(0, 10).join(', ');
      this.fault(at, `is no tool that the request offers (${offered})`);
    }
  }

  private toolArguments(name: Json | undefined, values: JsonObject, at: string, isText: boolean): void {
    const schema = typeof name === 'string' ? this.tools.get(name) : undefined;
    if (schema !== undefined && schema !== null) this.schema(schema, values, at, isText);
  }

  /** The items of a response of the Responses API. */
  private items(output: Json | undefined, at: string): void {
    if (!Array.isArray(output)) {
      this.fault(at, 'must be a list');
      return;
    }
    for (const [index, item] of output.entries()) {
      if (!isJsonObject(item) || typeof item.type !== 'string') {
        this.fault(`${at}/${index}`, 'must be an object with a type');
      } else if (item.type === 'function_call') {
        this.functionCall(item, `${at}/${index}`);
      } else if (item.type === 'message') {
        const { content = null } = item;
        const text = this.textOf(content, `${at}/${index}/content`);
        const isRefusal =
          Array.isArray(content) && content.some((part) => isJsonObject(part) && part.type === 'refusal');
        if (text !== null && !isRefusal) this.text(text, `${at}/${index}/content`);
      }
    }
  }

  /** A message of Anthropic's API, as its clients read it. */
  private anthropicMessage({ type, role, content, stop_reason: reason = null }: JsonObject): void {
    if (type !== 'message' || role !== 'assistant' || !Array.isArray(content)) {
      this.fault(
        '/response',
        'must be a text, or a message: "type": "message", "role": "assistant" and a list "content"',
      );
      return;
    }
    if (reason !== null && typeof reason !== 'string') {
      this.fault('/response/stop_reason', 'must be a text or null');
    }
    const calls = content.some((block) => isJsonObject(block) && block.type === 'tool_use');
    if (reason === 'tool_use' && !calls) {
      this.fault('/response/stop_reason', 'must not be "tool_use": the message uses no tool');
    }
    this.blocks(content);
  }

  /** The blocks of a message of Anthropic's API. */
  private blocks(content: Json[]): void {
    const at = '/response/content';
    for (const [index, block] of content.entries()) {
      if (!isJsonObject(block)) continue;
      if (block.type === 'text' && typeof block.text !== 'string') {
        this.fault(`${at}/${index}/text`, 'must be a text');
      }
      if (block.type === 'tool_use' && (typeof block.id !== 'string' || block.id === '')) {
        this.fault(`${at}/${index}/id`, 'must be the id of the call');
      }
    }
    const text = this.textOf(content, at);
    const uses = content.flatMap((block, index) =>
      isJsonObject(block) && block.type === 'tool_use' ? [{ block, index }] : [],
    );
    for (const { block, index } of uses) {
      this.toolName(block.name, `${at}/${index}/name`);
      if (!isJsonObject(block.input)) this.fault(`${at}/${index}/input`, 'must be an object');
      else this.toolArguments(block.name, block.input, `${at}/${index}/input`, false);
    }
    if (text !== null && uses.length === 0) this.text(text, at);
  }

  /** What a client reads as the answer: a text, or a value that is delivered as one. */
  private text(answer: Json, at: string): void {
    if (!this.format) return;
    const value = typeof answer === 'string' ? this.parsed(answer, at) : answer;
    if (value === undefined) return;
    const { schema } = this.format;
    if (schema !== undefined) this.schema(schema, value, at, typeof answer === 'string');
    else if (!isJsonObject(value)) this.fault(at, 'must be a JSON object: the request asks for one');
  }

  private parsed(text: string, at: string): Json | undefined {
    if (nestsDeeper(text, MAX_DEPTH)) {
      this.fault(at, `must be JSON that is nested no deeper than ${MAX_DEPTH} levels`);
      return undefined;
    }
    try {
      return JSON.parse(text) as Json;
    } catch (error) {
      // The message may quote the answer, which has no place in an error.
      const position = / at position \d+( \(line \d+ column \d+\))?/.exec((error as Error).message)?.[0];
      this.fault(at, `must be JSON${position === undefined ? '' : `: it breaks${position}`}`);
      return undefined;
    }
  }

  /** @param isText the value is JSON in a text, into which no pointer leads */
  private schema(schema: Json, value: Json, at: string, isText = false): void {
    this.found.push({ schema, value, at, isText, isOwn: false });
  }

  private fault(pointer: string, detail: string): void {
    this.found.push({ pointer, detail });
  }
}

/** A value that a schema must be asked about. */
interface SchemaCheck {
  schema: Json;
  value: Json;
  at: string;
  isText: boolean;
  /** Whether the schema is the job's own. */
  isOwn: boolean;
}

function inText({ pointer, detail }: FieldFault, at: string): FieldFault {
  return { pointer: at, detail: `${pointer === '' ? 'its JSON' : `in its JSON, ${pointer}`} ${detail}` };
}

/** A fault whose words may come from an answer. */
function storableFault({ pointer, detail }: FieldFault): FieldFault {
  return { pointer: storable(pointer), detail: storable(detail) };
}
