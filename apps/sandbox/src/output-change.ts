import { randomUUID } from 'node:crypto';
import { isJsonObject, JsonText, storable, type Json, type OutputChange } from '@hitl/domain';
import { runBounded, TimeLimitError } from '@hitl/sandbox';
import { createTwoFilesPatch, diffWordsWithSpace } from 'diff';
import jsonPatch from 'fast-json-patch';

/** Longest time for each of the descriptions, in milliseconds. */
const MAX_LENGTH = 200;
/** Longest text diff that is kept, in characters. */
const MAX_DIFF_LENGTH = 262_144;

/** Stands, in a text, before a number that a double would spell in another way. */
const MARK = `number ${randomUUID()} `;
const MARKED = new RegExp(`"${MARK}([^"]*)"`, 'g');

/**
 * Describes what a human made of the model's output, with all digits of its numbers. What would take too long stays unknown.
 * @param from the model's output, as JSON
 * @param to the human's, as JSON
 */
export function describeChange(from: string, to: string): OutputChange {
  const [output, edit] = [new JsonText(from).exact, new JsonText(to).exact];
  const [before, after] = textsOf(output, edit);
  const textDiff = unlessTooLong(() =>
    createTwoFilesPatch('model', 'human', before, after, undefined, undefined, { context: 3 }),
  );
  return {
    // Paths need one root: whatever the outputs are, they are its only member.
    patch: unlessTooLong(() =>
      unmarked(jsonPatch.compare({ response: marked(output) }, { response: marked(edit) })),
    ),
    textDiff: textDiff !== null && textDiff.length <= MAX_DIFF_LENGTH ? storable(textDiff) : null,
    editDistance: unlessTooLong(() => changedShare(before, after)),
  };
}

/** The texts to compare: of chats the message, of texts the text, of anything else its JSON. */
function textsOf(from: Json, to: Json): [string, string] {
  const [before, after] = [messageOf(from), messageOf(to)];
  return before !== null && after !== null ? [before, after] : [textOf(from), textOf(to)];
}

function messageOf(response: Json): string | null {
  if (!isJsonObject(response)) return null;
  if (response.type === 'message' && Array.isArray(response.content)) return textOfBlocks(response.content);
  if (!Array.isArray(response.choices)) return null;
  const [choice] = response.choices;
  const message = isJsonObject(choice) ? choice.message : null;
  return isJsonObject(message) && typeof message.content === 'string' ? message.content : null;
}

/** The text of a message of Anthropic's API; null where there is more in it than text. */
function textOfBlocks(blocks: Json[]): string | null {
  const texts = blocks.map((block) =>
    isJsonObject(block) && block.type === 'text' && typeof block.text === 'string' ? block.text : null,
  );
  return texts.includes(null) ? null : texts.join('');
}

function textOf(response: Json): string {
  return typeof response === 'string' ? response : unmarked(marked(response), 2);
}

/** The value with its exact numbers as texts that {@link unmarked} knows: others compare and copy plain values only. */
function marked(value: Json): Json {
  if ((value as unknown) instanceof JsonText) return MARK + (value as unknown as JsonText).text;
  if (Array.isArray(value)) return value.map(marked);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, marked(inner)]));
}

/** JSON of what was made of {@link marked} values. */
function unmarked(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(MARKED, '$1');
}

/** The characters taken away or added, as a share of those of both texts: 0 the same, 1 nothing in common. */
function changedShare(before: string, after: string): number {
  let changed = 0;
  for (const { added, removed, value } of diffWordsWithSpace(before, after)) {
    if (added || removed) changed += value.length;
  }
  return before.length + after.length === 0 ? 0 : changed / (before.length + after.length);
}

function unlessTooLong<T>(work: () => T): T | null {
  try {
    return runBounded(MAX_LENGTH, work);
  } catch (error) {
    if (error instanceof TimeLimitError) return null;
    throw error;
  }
}
