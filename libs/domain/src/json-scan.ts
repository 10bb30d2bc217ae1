/** A part of a text: `end` is the first character after it. */
export interface Slice {
  start: number;
  end: number;
}

/** A member of an object: the slice of its value, and its key with where that begins. */
export interface Member extends Slice {
  key: string;
  keyStart: number;
  keyEnd: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Where the string that begins with the quote at `start` has its last quote; the end of the text where it has none. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let before = end;
    while (text.charCodeAt(before - 1) === BACKSLASH) before -= 1;
    if ((end - before) % 2 === 0) return end;
  }
  return text.length;
}

/** Where the number that begins at `start` ends; `start` where none does. */
function endOfNumber(text: string, start: number): number {
  let end = start;
  for (; end < text.length; end += 1) {
    const code = text.charCodeAt(end);
    const isPart = isDigit(code) || code === 0x2d || code === 0x2b || code === 0x2e;
    // An e only within a number: true and false have one, too.
    const isExponent = end > start && (code === 0x65 || code === 0x45);
    if (!isPart && !isExponent) break;
  }
  return end;
}

/** The members of the object that a valid JSON text begins with, in their order; none where it is another value. */
export function membersOf(text: string): Member[] {
  const members: Member[] = [];
  let at = skipSpace(text, 0);
  if (text[at] !== '{') return members;
  at = skipSpace(text, at + 1);
  while (text[at] === '"') {
    const keyStart = at;
    const keyEnd = endOfString(text, at) + 1;
    const start = skipSpace(text, skipSpace(text, keyEnd) + 1);
    const end = endOfValue(text, start);
    members.push({ key: JSON.parse(text.slice(keyStart, keyEnd)) as string, keyStart, keyEnd, start, end });
    at = skipSpace(text, end);
    if (text[at] === ',') at = skipSpace(text, at + 1);
  }
  return members;
}

/** The items of the array that a valid JSON text begins with; none where it is another value. */
export function itemsOf(text: string): Slice[] {
  const items: Slice[] = [];
  let at = skipSpace(text, 0);
  if (text[at] !== '[') return items;
  at = skipSpace(text, at + 1);
  while (at < text.length && text[at] !== ']') {
    const end = endOfValue(text, at);
    items.push({ start: at, end });
    at = skipSpace(text, end);
    if (text[at] === ',') at = skipSpace(text, at + 1);
  }
  return items;
}

/** The numbers of a JSON text, wherever they are in it. */
export function* numbersOf(text: string): Generator<Slice> {
  for (let at = 0; at < text.length; at += 1) {
    if (text.charCodeAt(at) === QUOTE) {
      at = endOfString(text, at);
      continue;
    }
    const end = endOfNumber(text, at);
    if (end === at) continue;
    yield { start: at, end };
    at = end - 1;
  }
}

/**
 * How deep a text nests objects and arrays, how many members all of its objects have, and of how many parts it is: colons,
 * opening brackets and commas, those behind numbers counted apart. It may be no JSON.
 */
export function structureOf(text: string): {
  depth: number;
  members: number;
  parts: number;
  partsOfNumbers: number;
} {
  let members = 0;
  let others = 0;
  let partsOfNumbers = 0;
  let deepest = 0;
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = endOfString(text, at);
        break;
      case 0x3a: // :
        members += 1;
        break;
      case 0x2c: // ,
        if (isDigit(text.charCodeAt(at - 1))) partsOfNumbers += 1;
        else others += 1;
        break;
      case 0x5b: // [
      case 0x7b: // {
        others += 1;
        depth += 1;
        if (depth > deepest) deepest = depth;
        break;
      case 0x5d: // ]
      case 0x7d: // }
        depth -= 1;
        break;
    }
  }
  return { depth: deepest, members, parts: members + others, partsOfNumbers };
}

/** The path to the first key that its object has already; null where there is none. */
export function duplicateKeyIn(text: string): (string | number)[] | null {
  const open: { keys: Set<string> | null; wantsKey: boolean; key: string; index: number }[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const inner = open.at(-1);
    switch (text.charAt(at)) {
      case '"': {
        const end = endOfString(text, at);
        if (inner?.keys && inner.wantsKey) {
          inner.wantsKey = false;
          inner.key = JSON.parse(text.slice(at, end + 1)) as string;
          if (inner.keys.has(inner.key)) return open.map(({ keys, key, index }) => (keys ? key : index));
          inner.keys.add(inner.key);
        }
        at = end;
        break;
      }
      case ',':
        if (inner) Object.assign(inner, { wantsKey: true, index: inner.index + 1 });
        break;
      case '{':
        open.push({ keys: new Set(), wantsKey: true, key: '', index: 0 });
        break;
      case '[':
        open.push({ keys: null, wantsKey: true, key: '', index: 0 });
        break;
      case '}':
      case ']':
        open.pop();
        break;
    }
  }
  return null;
}

/** Where the value of a valid JSON text that begins at `start` ends. */
function endOfValue(text: string, start: number): number {
  const first = text.charCodeAt(start);
  if (first === QUOTE) return endOfString(text, start) + 1;
  let depth = 0;
  let at = start;
  for (; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = endOfString(text, at);
        break;
      case 0x5b: // [
      case 0x7b: // {
        depth += 1;
        break;
      case 0x5d: // ]
      case 0x7d: // }
        depth -= 1;
        if (depth < 0) return at;
        if (depth === 0) return at + 1;
        break;
      case 0x2c: // ,
        if (depth === 0) return at;
        break;
      default:
        if (depth === 0 && isSpace(text.charCodeAt(at))) return at;
    }
  }
  return at;
}

function skipSpace(text: string, start: number): number {
  let at = start;
  while (isSpace(text.charCodeAt(at))) at += 1;
  return at;
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/** Whether a text that may be JSON nests objects and lists deeper than a number of levels. */
export function nestsDeeper(text: string, levels: number): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0x22) {
      for (at += 1; at < text.length && text.charCodeAt(at) !== 0x22; at += 1) {
        if (text.charCodeAt(at) === 0x5c) at += 1;
      }
    }
    // { and [, } and ]
    if (code === 0x7b || code === 0x5b) depth += 1;
    else if ((code === 0x7d || code === 0x5d) && depth > 0) depth -= 1;
    if (depth > levels) return true;
  }
  return false;
}
