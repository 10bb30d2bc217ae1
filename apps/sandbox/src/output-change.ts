import { isJsonObject, storable, type Json, type OutputChange } from '@hitl/domain';
import { runBounded, TimeLimitError } from '@hitl/sandbox';
import { createTwoFilesPatch, diffWordsWithSpace } from 'diff';
import jsonPatch from 'fast-json-patch';

/** Longest time for each of the descriptions, in milliseconds. */
const MAX_LENGTH = 200;
/** Longest text diff that is kept, in characters. */
const MAX_DIFF_LENGTH = 262_144;

/** Describes what a human made of the model's output. What would take too long stays unknown. */
export function describeChange(from: Json, to: Json): OutputChange {
  const [before, after] = textsOf(from, to);
  const textDiff = unlessTooLong(() =>
    createTwoFilesPatch('model', 'human', before, after, undefined, undefined, { context: 3 }),
  );
  return {
    // Paths need one root: whatever the outputs are, they are its only member.
    patch: unlessTooLong(() => JSON.stringify(jsonPatch.compare({ response: from }, { response: to }))),
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
  if (!isJsonObject(response) || !Array.isArray(response.choices)) return null;
  const [choice] = response.choices;
  const message = isJsonObject(choice) ? choice.message : null;
  return isJsonObject(message) && typeof message.content === 'string' ? message.content : null;
}

function textOf(response: Json): string {
  return typeof response === 'string' ? response : JSON.stringify(response, null, 2);
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
