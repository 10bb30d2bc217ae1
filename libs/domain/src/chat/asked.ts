import { isJsonObject, type Json, type JsonText } from '../json';

/** Characters that are kept of what was asked, and of a model's name. */
const MAX_LENGTH = 200;
/** Characters of what was asked that are looked at. */
const MAX_LOOKED_AT = 1000;

/** What the desk lists and filters by: columns beside a payload, which the database itself never looks into. */
export interface PayloadSummary {
  /** The model that the payload names; null where it names none. */
  model: string | null;
  /** What was asked, in one line. */
  asked: string;
}

/** Of payloads that somebody else has looked into. */
const known = new WeakMap<JsonText, PayloadSummary>();

/** Says what {@link summaryOf} answers for a payload that is too large to look into here. */
export function setSummary(payload: JsonText, summary: PayloadSummary): void {
  known.set(payload, summary);
}

/** Of a chat the last user message, as of a response's input; else the prompt; else the payload as it is, nothing for null. */
export function summaryOf(payload: JsonText): PayloadSummary {
  const summary = known.get(payload);
  if (summary) return summary;
  const { value } = payload;
  const fields = isJsonObject(value) ? value : {};
  const { model } = fields;
  const turns = [fields.messages, fields.input].find((list) => Array.isArray(list));
  const asked =
    textOfLastUser(turns) ??
    [fields.input, fields.prompt].find((text) => typeof text === 'string') ??
    (typeof value === 'string' ? value : value === null ? '' : payload.text);
  return {
    model: typeof model === 'string' ? storable(first(model, MAX_LENGTH)) : null,
    asked: storable(first(first(asked, MAX_LOOKED_AT).replace(/\s+/g, ' ').trim(), MAX_LENGTH)),
  };
}

/** A text that PostgreSQL can store: without NUL and halves of characters. */
export function storable(text: string): string {
  return text.replaceAll('\0', '\ufffd').toWellFormed();
}

/** Turns may have no text, such as those that only bring the results of tools: of these the one before counts. */
function textOfLastUser(turns: Json[] = []): string | undefined {
  for (const turn of turns.toReversed()) {
    const content = isJsonObject(turn) && turn.role === 'user' ? turn.content : undefined;
    if (typeof content === 'string') return content;
    const texts = (Array.isArray(content) ? content : []).flatMap((part) =>
      isJsonObject(part) && typeof part.text === 'string' ? [part.text] : [],
    );
    if (texts.length > 0) return texts.join(' ');
  }
  return undefined;
}

/** The first characters of a text, none of them cut in half. */
function first(text: string, characters: number): string {
  return Array.from(text.slice(0, 2 * characters))
    .slice(0, characters)
    .join('');
}
