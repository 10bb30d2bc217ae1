import { kindOf, memberOf, membersOf, quoted, stringOf, without, type JsonSource } from '../../json/source';

/** One turn of a conversation. What is not text goes into `rest`. */
export interface Turn {
  role: string;
  text: string;
  rest: JsonSource | null;
}

export interface Conversation {
  turns: Turn[];
  /** The other fields of the request. */
  rest: JsonSource | null;
}

/** Turns that are shown at most; a request with more is shown as what it is. */
const MAX_TURNS = 500;

/** The conversation that a payload holds: the messages of a chat, or the input of a response. Null for others. */
export function conversationOf(payload: JsonSource): Conversation | null {
  const chat = memberOf(payload, 'messages');
  const asked = chat && kindOf(chat.json) === 'array' ? chat : memberOf(payload, 'input');
  if (!asked) return null;
  const rest = without(payload, asked.name);
  const text = stringOf(asked.json);
  if (text !== null) return { turns: [{ role: 'user', text, rest: null }], rest };
  if (kindOf(asked.json) !== 'array') return null;
  const { members, count } = membersOf(asked.json, MAX_TURNS);
  if (count === 0 || count > MAX_TURNS) return null;
  const turns = members.map(({ json }) => turnOf(json));
  if (!turns.every((turn) => turn !== null)) return null;
  // Anthropic's Messages API has the system prompt beside the messages.
  const system = asked === chat ? memberOf(payload, 'system') : undefined;
  const first = system && turnOf(`{"role":"system","content":${system.json}}` as JsonSource);
  if (!system || !first || system.json === 'null') return { turns, rest };
  return { turns: [first, ...turns], rest: without(payload, asked.name, system.name) };
}

function turnOf(message: JsonSource): Turn | null {
  const role = stringOf(memberOf(message, 'role')?.json);
  if (role === null) return null;
  const content = memberOf(message, 'content')?.json;
  const whole = stringOf(content);
  if (whole !== null) return { role, text: whole, rest: without(message, 'role', 'content') };
  if (content === undefined || kindOf(content) !== 'array') return { role, text: '', rest: message };
  const texts: string[] = [];
  const parts: JsonSource[] = [];
  for (const { json } of membersOf(content).members) {
    const text = stringOf(memberOf(json, 'text')?.json);
    if (text === null) parts.push(json);
    else texts.push(text);
  }
  const text = texts.join('\n\n');
  if (parts.length === 0) return { role, text, rest: without(message, 'role', 'content') };
  const others = membersOf(message).members.filter(({ name }) => name !== 'role' && name !== 'content');
  const rest = [...others.map(({ name, json }) => `${quoted(name)}:${json}`), `"parts":[${parts.join(',')}]`];
  return { role, text, rest: `{${rest.join(',')}}` as JsonSource };
}
