import type { Json } from '../api/client';

type JsonObject = { [name: string]: Json };

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The only message of a chat completion, if its text is all that it says: nothing may be delivered unseen. */
function onlyMessage(response: Json): (JsonObject & { content: string }) | null {
  if (!isObject(response) || !Array.isArray(response.choices) || response.choices.length !== 1) return null;
  const [choice] = response.choices;
  const message = isObject(choice) ? choice.message : null;
  if (!isObject(message) || typeof message.content !== 'string') return null;
  const more = Object.entries(message).some(
    ([name, value]) =>
      name !== 'role' &&
      name !== 'content' &&
      value !== null &&
      !(Array.isArray(value) && value.length === 0),
  );
  return more ? null : (message as JsonObject & { content: string });
}

/** The text that a response is: a text itself, or the message of a chat. Null for anything else. */
export function textOf(response: Json): string | null {
  return typeof response === 'string' ? response : (onlyMessage(response)?.content ?? null);
}

/** The response with another text. */
export function withText(response: Json, text: string): Json {
  if (typeof response === 'string' || onlyMessage(response) === null) return text;
  const changed = structuredClone(response);
  const message = onlyMessage(changed);
  if (message) message.content = text;
  return changed;
}

/** A value as text to edit or compare. */
export function written(value: Json): string {
  try {
    return JSON.stringify(value, null, 2);
  } catch {
    return '"This is nested too deeply to be written out."';
  }
}

/** What an edit starts from: the text of a chat, or the JSON of anything else. */
export function editable(response: Json): { kind: 'text' | 'json'; text: string } {
  const text = textOf(response);
  return text === null ? { kind: 'json', text: written(response) } : { kind: 'text', text };
}

/** The response that an edited text makes. @throws SyntaxError where JSON is wanted and it is none */
export function edited(response: Json, text: string): Json {
  return textOf(response) === null ? (JSON.parse(text) as Json) : withText(response, text);
}
