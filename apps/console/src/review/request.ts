import type { Json } from '../api/client';
import { isObject } from './answer';

/** One turn of a conversation. What is not text goes into `rest`. */
export interface Turn {
  role: string;
  text: string;
  rest: Json;
}

export interface Conversation {
  turns: Turn[];
  /** The other fields of the request. */
  rest: Json;
}

/** Turns that are shown at most; a request with more is shown as what it is. */
const MOST_TURNS = 500;

/** The conversation that a payload holds: the messages of a chat, or the input of a response. Null for others. */
export function conversationOf(payload: Json): Conversation | null {
  if (!isObject(payload)) return null;
  const name = Array.isArray(payload.messages) ? 'messages' : 'input';
  const { [name]: messages = null, ...others } = payload;
  const rest = Object.keys(others).length > 0 ? others : null;
  if (typeof messages === 'string' && name === 'input')
    return { turns: [{ role: 'user', text: messages, rest: null }], rest };
  if (!Array.isArray(messages) || messages.length === 0 || messages.length > MOST_TURNS) return null;
  const turns = messages.map(turnOf);
  return turns.every((turn) => turn !== null) ? { turns, rest } : null;
}

function turnOf(message: Json): Turn | null {
  if (!isObject(message) || typeof message.role !== 'string') return null;
  const { role, content = null, ...others } = message;
  const rest = Object.keys(others).length > 0 ? others : null;
  if (typeof content === 'string') return { role, text: content, rest };
  if (!Array.isArray(content)) return { role, text: '', rest: message };
  const isText = (part: Json): part is { text: string } => isObject(part) && typeof part.text === 'string';
  const text = content.filter(isText).map((part) => part.text);
  const parts = content.filter((part) => !isText(part));
  return { role, text: text.join('\n\n'), rest: parts.length > 0 ? { ...others, parts } : rest };
}
