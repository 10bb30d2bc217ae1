import { isJsonObject, JsonText, writeJson, type FeedbackTurn, type Json } from '@hitl/domain';

type JsonObject = { [key: string]: Json };

/** What the model is told of its calls of tools that a reviewer did not let pass. */
const NOT_RUN = 'Not run: a reviewer asked for another response.';

/**
 * The payload with what reviewers asked for, in the shape that it has. A conversation goes on: the model gets each of its
 * answers as a turn of its own, and then what the reviewer said about it, so that turns alternate. Other payloads have no
 * place for that: they get `feedback`, and the answer that the last of it is about as `previous_response`, beside what is
 * there; one that is not an object becomes `{"input": …, "feedback": …, "previous_response": …}`.
 */
export function withFeedback(json: JsonText, told: FeedbackTurn[]): JsonText {
  if (told.length === 0) return json;
  const payload = json.value;
  const turns = told.map(({ feedback, response }) => ({ feedback, response: response?.exact ?? null }));
  if (isJsonObject(payload)) {
    if (Array.isArray(payload.messages)) {
      const add = turns.some(({ response }) => isAnthropicMessage(response)) ? addToMessages : addToChat;
      return json.with('messages', continued(itemsOf(json.member('messages')), turns, add));
    }
    if (Array.isArray(payload.contents)) {
      return json.with('contents', continued(itemsOf(json.member('contents')), turns, addToContents));
    }
    if (payload.input !== undefined && turns.some(({ response }) => isResponse(response))) {
      const input = json.member('input');
      const items = Array.isArray(payload.input)
        ? itemsOf(input)
        : [JsonText.of({ role: 'user', content: input })];
      return json.with('input', continued(items, turns, addToInput));
    }
  }
  const last = told.at(-1)?.response ?? null;
  const whole = isJsonObject(payload) ? json : JsonText.of({ input: json });
  const asked = whole.with('feedback', JsonText.of(turns.map(({ feedback }) => feedback).join('\n')));
  return last === null || last.isNull ? asked : asked.with('previous_response', last);
}

/** Adds an answer and what was said about it to a conversation. */
type Add = (items: Json[], response: Json, feedback: string) => void;

/** A turn whose answer other JSON is made of. */
interface Turn {
  feedback: string;
  response: Json;
}

function itemsOf(list: JsonText | null): JsonText[] {
  return list?.items() ?? [];
}

/** The list that goes on; what nobody has changed of it stays as it is written. */
function continued(items: JsonText[], turns: Turn[], add: Add): JsonText {
  const before = items.map(({ exact }) => exact);
  const all = [...before];
  for (const { response, feedback } of turns) {
    if (response === null) joinLast(all, 'user', feedback);
    else add(all, response, feedback);
  }
  return JsonText.of(all.map((item, index) => (item === before[index] ? items[index] : item)));
}

/** OpenAI's chats: `messages`, answered by a completion, or by what a reviewer made of one. */
function addToChat(messages: Json[], response: Json, feedback: string): void {
  const message = messageOf(response);
  const calls = (Array.isArray(message?.tool_calls) ? message.tool_calls : []).filter(isJsonObject);
  const answerable = calls.length > 0 && calls.every(({ id }) => typeof id === 'string' && id !== '');
  const text = message ? textOfMessage(message) : textOf(response);
  if (!answerable) {
    const called = message?.function_call ?? (calls.length > 0 ? calls : null);
    joinLast(messages, 'assistant', [text, called === null ? '' : writeJson(called)].join('\n').trim());
  } else {
    // The position in a stream is no part of a message.
    const tool_calls = calls.map((call) =>
      Object.fromEntries(Object.entries(call).filter(([name]) => name !== 'index')),
    );
    messages.push({ role: 'assistant', content: text === '' ? null : text, tool_calls });
    for (const { id } of calls) messages.push({ role: 'tool', tool_call_id: id as string, content: NOT_RUN });
  }
  messages.push({ role: 'user', content: feedback });
}

/** Anthropic's Messages API: blocks, and the results of tools in the user's turn. */
function addToMessages(messages: Json[], response: Json, feedback: string): void {
  if (!isAnthropicMessage(response)) {
    addToChat(messages, response, feedback);
    return;
  }
  const blocks = response.content.filter(isJsonObject);
  const uses = blocks.filter(({ type, id }) => type === 'tool_use' && typeof id === 'string');
  const text = textOfParts(blocks);
  if (uses.length === 0) {
    joinLast(messages, 'assistant', text);
    messages.push({ role: 'user', content: feedback });
    return;
  }
  // Thinking is passed back as it came, before what it led to.
  messages.push({
    role: 'assistant',
    content: blocks.filter((block) => block.type !== 'text' || block.text !== ''),
  });
  messages.push({
    role: 'user',
    content: [
      ...uses.map(({ id }) => ({ type: 'tool_result', tool_use_id: id as string, content: NOT_RUN })),
      { type: 'text', text: feedback },
    ],
  });
}

/** OpenAI's Responses API: `input`, answered by the items of `output`. */
function addToInput(items: Json[], response: Json, feedback: string): void {
  if (!isResponse(response)) {
    items.push({ role: 'assistant', content: textOf(response) });
  } else {
    for (const item of response.output.filter(isJsonObject)) {
      // Ids stand for what the provider keeps, if it keeps it: what it is given whole needs none.
      if (item.type === 'message' && Array.isArray(item.content)) {
        items.push({ role: 'assistant', content: textOfParts(item.content) });
      } else if (item.type === 'function_call' && typeof item.call_id === 'string') {
        const { type, call_id, name = '', arguments: text = '{}' } = item;
        items.push({ type, call_id, name, arguments: text });
        items.push({ type: 'function_call_output', call_id, output: NOT_RUN });
      }
    }
  }
  items.push({ role: 'user', content: feedback });
}

/** Gemini's API: `contents`, answered by candidates. */
function addToContents(contents: Json[], response: Json, feedback: string): void {
  const candidate =
    isJsonObject(response) && Array.isArray(response.candidates) ? response.candidates[0] : undefined;
  const content = isJsonObject(candidate) && isJsonObject(candidate.content) ? candidate.content : undefined;
  const parts = Array.isArray(content?.parts) ? content.parts.filter(isJsonObject) : [];
  const calls = parts.flatMap((part) => (isJsonObject(part.functionCall) ? [part.functionCall] : []));
  contents.push({ role: 'model', parts: parts.length > 0 ? parts : [{ text: textOf(response) }] });
  contents.push({
    role: 'user',
    parts: [
      ...calls.map(({ name = '' }) => ({ functionResponse: { name, response: { error: NOT_RUN } } })),
      { text: feedback },
    ],
  });
}

/** Adds a text to the last turn where that is `role`'s own, else as a turn: two in a row are refused by many models. */
function joinLast(turns: Json[], role: 'user' | 'assistant', text: string): void {
  const last = turns.at(-1);
  if (isJsonObject(last) && last.role === role && !last.tool_calls) {
    const separator = role === 'user' ? '\n\n' : '';
    if (typeof last.content === 'string') {
      turns[turns.length - 1] = { ...last, content: `${last.content}${separator}${text}` };
      return;
    }
    if (Array.isArray(last.content)) {
      const type = last.content.some((part) => isJsonObject(part) && part.type === 'input_text')
        ? 'input_text'
        : 'text';
      turns[turns.length - 1] = { ...last, content: [...last.content, { type, text }] };
      return;
    }
    if (Array.isArray(last.parts)) {
      turns[turns.length - 1] = { ...last, parts: [...last.parts, { text }] };
      return;
    }
  }
  turns.push({ role, content: text });
}

/** The first message of a completion, or of an answer that is one message. */
function messageOf(response: Json): JsonObject | undefined {
  if (!isJsonObject(response)) return undefined;
  const choice = Array.isArray(response.choices) ? response.choices[0] : response;
  return isJsonObject(choice) && isJsonObject(choice.message) ? choice.message : undefined;
}

/** The text alone: what else a message carries, such as reasoning, many servers do not take back. */
function textOfMessage({ content, refusal }: JsonObject): string {
  if (typeof content === 'string' && content !== '') return content;
  if (Array.isArray(content)) return textOfParts(content);
  return typeof refusal === 'string' ? refusal : '';
}

function textOfParts(parts: Json[]): string {
  return parts
    .filter(isJsonObject)
    .map(({ text, refusal }) =>
      typeof text === 'string' ? text : typeof refusal === 'string' ? refusal : '',
    )
    .join('');
}

function textOf(response: Json): string {
  return typeof response === 'string' ? response : writeJson(response);
}

function isAnthropicMessage(response: Json): response is JsonObject & { content: Json[] } {
  return isJsonObject(response) && response.type === 'message' && Array.isArray(response.content);
}

function isResponse(response: Json): response is JsonObject & { output: Json[] } {
  return isJsonObject(response) && response.object === 'response' && Array.isArray(response.output);
}
