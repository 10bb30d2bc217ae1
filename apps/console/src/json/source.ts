/**
 * JSON as it was written, without white space around it: its numbers have all their digits, its members their order, and
 * none is dropped for being there twice. A text of this type is known to be JSON.
 */
export type JsonSource = string & { readonly _isJson: true };

/** A value inside another one. */
export interface Member {
  /** The field's name, or the place in an array. */
  name: string;
  json: JsonSource;
  /** Where its text begins in the text of the whole, in UTF-16 units. */
  at: number;
}

/** A parsed JSON value. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

export const NULL = 'null' as JsonSource;

/** Takes a text as JSON. @throws SyntaxError where it is none */
export function jsonSource(text: string): JsonSource {
  JSON.parse(text);
  return text.trim() as JsonSource;
}

/** Writes a text as a JSON string. */
export function quoted(text: string): JsonSource {
  return JSON.stringify(text) as JsonSource;
}

/** The value, to look at only: numbers may be rounded, and of two members of one name the last is there. */
export function parsed(json: JsonSource): unknown {
  return JSON.parse(json);
}

/** Whether a parsed value is a JSON object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What a value is; a scalar is a number, true, false or null. */
export function kindOf(json: JsonSource): 'object' | 'array' | 'string' | 'scalar' {
  return KINDS[json.charAt(0)] ?? 'scalar';
}
const KINDS: Record<string, 'object' | 'array' | 'string' | undefined> = {
  '{': 'object',
  '[': 'array',
  '"': 'string',
};

/** The text that a JSON string stands for; null for any other JSON. */
export function stringOf(json: JsonSource | undefined): string | null {
  return json !== undefined && kindOf(json) === 'string' ? (JSON.parse(json) as string) : null;
}

/**
 * What an object or an array holds, in the order in which it is written; of other JSON nothing.
 * @param most how many members are answered; `count` is of all
 */
export function membersOf(json: JsonSource, most = Infinity): { members: Member[]; count: number } {
  const members: Member[] = [];
  const isNamed = kindOf(json) === 'object';
  if (!isNamed && kindOf(json) !== 'array') return { members, count: 0 };
  let count = 0;
  let at = nextToken(json, 1);
  while (at < json.length - 1) {
    let name = String(count);
    if (isNamed) {
      const nameEnd = endOfString(json, at);
      if (count < most) name = JSON.parse(json.slice(at, nameEnd)) as string;
      // The colon is a token of its own.
      at = nextToken(json, nextToken(json, nameEnd) + 1);
    }
    const end = endOf(json, at);
    if (count < most) members.push({ name, json: json.slice(at, end) as JsonSource, at });
    count += 1;
    // After it there is a comma, or the end.
    at = nextToken(json, nextToken(json, end) + 1);
  }
  return { members, count };
}

/** The member of this name; undefined where there is none, or more than one. */
export function memberOf(json: JsonSource, name: string): Member | undefined {
  if (kindOf(json) !== 'object') return undefined;
  const found = membersOf(json).members.filter((member) => member.name === name);
  return found.length === 1 ? found[0] : undefined;
}

/** The object without the members that are named; null where none is left. */
export function without(json: JsonSource, ...names: string[]): JsonSource | null {
  const rest = membersOf(json).members.filter(({ name }) => !names.includes(name));
  if (rest.length === 0) return null;
  return `{${rest.map((member) => `${quoted(member.name)}:${member.json}`).join(',')}}` as JsonSource;
}

/** A name that an object has twice, and where: readers do not agree on which of the two counts. */
export interface Duplicate {
  name: string;
  /** The object that has it, as a JSON pointer. */
  pointer: string;
  /** Where the second name begins in the whole text, in UTF-16 units. */
  at: number;
}

/** The first name that is there twice in one object; null: none is. */
export function duplicateIn(json: JsonSource): Duplicate | null {
  /** The objects and arrays around: the names that each has so far, and the member that is being read. */
  const around: { names: Set<string> | null; member: string; index: number }[] = [];
  for (let at = 0; at < json.length;) {
    const end = endOfToken(json, at);
    const next = nextToken(json, end);
    const inner = around.at(-1);
    switch (json[at]) {
      case '{':
        around.push({ names: new Set(), member: '', index: 0 });
        break;
      case '[':
        around.push({ names: null, member: '', index: 0 });
        break;
      case '}':
      case ']':
        around.pop();
        break;
      case ',':
        if (inner) inner.index += 1;
        break;
      case '"':
        if (!inner?.names || json[next] !== ':') break;
        inner.member = JSON.parse(json.slice(at, end)) as string;
        if (inner.names.has(inner.member)) {
          const parts = around
            .slice(0, -1)
            .map(({ names, member, index }) => (names ? member : String(index)));
          return { name: inner.member, pointer: parts.map((part) => `/${pointerPart(part)}`).join(''), at };
        }
        inner.names.add(inner.member);
        break;
      default:
    }
    at = next;
  }
  return null;
}

/** That a name is there twice, in a sentence. */
export function duplicateFault({ name, pointer }: { name: string; pointer: string }): string {
  const where = pointer === '' ? '' : ` in ${pointer}`;
  return `${JSON.stringify(name)} is there twice${where}: take one away, since readers differ on which one counts`;
}

/** A name as a part of a JSON pointer. */
export function pointerPart(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** JSON laid out to be read: in the lines in which it was written, or in lines of its own where it is all in one. */
export function laidOut(json: JsonSource): string {
  // In JSON, only white space between tokens can be a line feed.
  if (json.includes('\n')) return json;
  const parts: string[] = [];
  let depth = 0;
  for (let at = 0; at < json.length;) {
    const end = endOfToken(json, at);
    const token = json.slice(at, end);
    const next = nextToken(json, end);
    if (token === ':') parts.push(': ');
    else if (token === ',') parts.push(',', lineAt(depth));
    else if (token === '{' || token === '[') {
      if (isClosing(json, next)) {
        parts.push(token, json.charAt(next));
        at = nextToken(json, next + 1);
        continue;
      }
      depth += 1;
      parts.push(token, lineAt(depth));
    } else if (token === '}' || token === ']') {
      depth -= 1;
      parts.push(lineAt(depth), token);
    } else parts.push(token);
    at = next;
  }
  return parts.join('');
}

/** Levels that are moved in: deeper ones would be mostly white space. */
const DEEPEST_INDENT = 60;
const lineAt = (depth: number): string => `\n${'  '.repeat(Math.min(depth, DEEPEST_INDENT))}`;

const isClosing = (json: string, at: number): boolean => json[at] === '}' || json[at] === ']';

/** Where the token is that comes at `at` or after it. */
function nextToken(json: string, at: number): number {
  let next = at;
  while (next < json.length && json.charCodeAt(next) <= 32) next += 1;
  return next;
}

function endOfToken(json: string, at: number): number {
  const first = json.charAt(at);
  if (first === '"') return endOfString(json, at);
  if ('{}[]:,'.includes(first)) return at + 1;
  SCALAR.lastIndex = at;
  SCALAR.test(json);
  return SCALAR.lastIndex;
}
/** A number, true, false or null; anything else is one character, so that no text holds the page up. */
const SCALAR = /[\w.+-]+|[^]/y;

function endOfString(json: string, at: number): number {
  for (let quote = json.indexOf('"', at + 1); quote !== -1; quote = json.indexOf('"', quote + 1)) {
    let slashes = 0;
    while (json[quote - 1 - slashes] === '\\') slashes += 1;
    if (slashes % 2 === 0) return quote + 1;
  }
  return json.length;
}

/** Where the value ends that begins at `at`. No nesting is too deep for it. */
function endOf(json: string, at: number): number {
  if (json[at] !== '{' && json[at] !== '[') return endOfToken(json, at);
  let depth = 0;
  for (let next = at; next < json.length; next += 1) {
    switch (json[next]) {
      case '"':
        next = endOfString(json, next) - 1;
        break;
      case '{':
      case '[':
        depth += 1;
        break;
      case '}':
      case ']':
        depth -= 1;
        if (depth === 0) return next + 1;
        break;
      default:
    }
  }
  return json.length;
}
