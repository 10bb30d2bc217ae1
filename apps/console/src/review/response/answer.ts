import {
  duplicateFault,
  duplicateIn,
  jsonSource,
  kindOf,
  laidOut,
  memberOf,
  membersOf,
  NULL,
  quoted,
  stringOf,
  without,
  type JsonSource,
} from '../../json/source';

/** A JSON string in a response that is all that it says, and where it is. */
interface Words {
  text: string;
  from: number;
  to: number;
}

/**
 * The words that a response is: a text itself, the only message of a chat completion, or the only block of a message of
 * Anthropic's API, if its text is all that it says.
 */
function findWords(response: JsonSource): Words | null {
  const whole = stringOf(response);
  if (whole !== null) return { text: whole, from: 0, to: response.length };
  // Where a name is there twice, nobody knows which of the two a client reads.
  if (duplicateIn(response)) return null;
  if (stringOf(memberOf(response, 'type')?.json) === 'message') return wordsOfMessage(response);
  const choices = memberOf(response, 'choices');
  if (!choices || kindOf(choices.json) !== 'array') return null;
  const { members, count } = membersOf(choices.json, 1);
  const [choice] = members;
  const message = choice && count === 1 ? memberOf(choice.json, 'message') : undefined;
  const content = message && memberOf(message.json, 'content');
  const text = stringOf(content?.json);
  if (!choice || !message || !content || text === null) return null;
  if (saysMore(message.json, 'role', 'content')) return null;
  const from = choices.at + choice.at + message.at + content.at;
  return { text, from, to: from + content.json.length };
}

function wordsOfMessage(response: JsonSource): Words | null {
  const content = memberOf(response, 'content');
  if (!content || kindOf(content.json) !== 'array') return null;
  const { members, count } = membersOf(content.json, 1);
  const [block] = members;
  const text = block && count === 1 ? memberOf(block.json, 'text') : undefined;
  const words = stringOf(text?.json);
  if (!block || !text || words === null || saysMore(block.json, 'type', 'text')) return null;
  const from = content.at + block.at + text.at;
  return { text: words, from, to: from + text.json.length };
}

/** Whether an object says more than what is shown of it: nothing may be delivered unseen. */
function saysMore(json: JsonSource, ...shown: string[]): boolean {
  return membersOf(json).members.some(
    ({ name, json: value }) => !shown.includes(name) && value !== 'null' && !/^\[\s*\]$/.test(value),
  );
}

/** A block of a message of Anthropic's API: its type, its text or thinking, and what else there is of it. */
export interface Block {
  type: string;
  /** What a tool or a server's tool is called; null: it has no name. */
  name: string | null;
  text: string | null;
  rest: JsonSource | null;
}

/** Blocks that are shown at most; a message with more is shown as what it is. */
const MAX_BLOCKS = 200;

/** A message of Anthropic's API in its blocks and what is beside them; null for anything else. */
export function blocksOf(response: JsonSource): { blocks: Block[]; rest: JsonSource | null } | null {
  if (stringOf(memberOf(response, 'type')?.json) !== 'message' || duplicateIn(response)) return null;
  const content = memberOf(response, 'content');
  if (!content || kindOf(content.json) !== 'array') return null;
  const { members, count } = membersOf(content.json, MAX_BLOCKS);
  const blocks = members.map(({ json }) => blockOf(json));
  if (count === 0 || count > MAX_BLOCKS || !blocks.every((block) => block !== null)) return null;
  return { blocks, rest: without(response, 'type', 'role', 'content') };
}

function blockOf(json: JsonSource): Block | null {
  const type = stringOf(memberOf(json, 'type')?.json);
  if (type === null) return null;
  const said = type === 'thinking' ? 'thinking' : 'text';
  const text = stringOf(memberOf(json, said)?.json);
  const name = stringOf(memberOf(json, 'name')?.json);
  const shown = ['type', ...(text === null ? [] : [said]), ...(name === null ? [] : ['name'])];
  return { type, name, text, rest: without(json, ...shown) };
}

/** Responses whose words are remembered: those of the open job are looked at with each key. */
const MAX_REMEMBERED = 16;
const remembered = new Map<JsonSource, Words | null>();

function wordsOf(response: JsonSource): Words | null {
  const known = remembered.get(response);
  if (known !== undefined) return known;
  const words = findWords(response);
  if (remembered.size >= MAX_REMEMBERED) remembered.clear();
  remembered.set(response, words);
  return words;
}

/** The text that a response is: a text itself, or the message of a chat. Null for anything else. */
export function textOf(response: JsonSource): string | null {
  return wordsOf(response)?.text ?? null;
}

/** Whether every line ends by a carriage return and a line feed. */
const hasCrlf = (text: string): boolean => text.includes('\r\n') && !/(?<!\r)\n|\r(?!\n)/.test(text);

/** What an edit starts from: the text of a chat, or the JSON of anything else. Line ends are as editors have them. */
export function editable(response: JsonSource | null): { kind: 'text' | 'json'; text: string } {
  const words = textOf(response ?? NULL);
  const text = words ?? laidOut(response ?? NULL);
  return {
    kind: words === null ? 'json' : 'text',
    text: hasCrlf(text) ? text.replaceAll('\r\n', '\n') : text,
  };
}

/**
 * The response that an edited text makes: the JSON that was typed, or the response with another text and all else as it
 * was written.
 * @throws SyntaxError where JSON is wanted and it is none, or says one thing twice
 */
export function edited(response: JsonSource | null, text: string): JsonSource {
  const before = response ?? NULL;
  const words = wordsOf(before);
  const original = words?.text ?? laidOut(before);
  const typed = hasCrlf(original) ? text.replace(/\r?\n/g, '\r\n') : text;
  if (typed === original) return before;
  if (words) return `${before.slice(0, words.from)}${quoted(typed)}${before.slice(words.to)}` as JsonSource;
  const json = jsonSource(typed);
  const duplicate = duplicateIn(json);
  if (duplicate) throw new SyntaxError(duplicateFault(duplicate));
  return json;
}
