import { DomainError, type Json } from '@hitl/domain';

/** Deepest nesting of objects and arrays in a body. */
export const MAX_DEPTH = 127;

/**
 * Commas, colons and opening brackets of a body at most: what each stands for takes far more memory than its text. Commas
 * behind numbers are not among them, since these take little.
 */
const MAX_PARTS = 1_000_000;

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Members of a body that are passed on: they may have every text that JSON can have. */
const PASSED_ON: readonly unknown[] = ['payload', 'response'];

/**
 * Reads a request body as JSON that can be stored and passed on unchanged. A byte order mark is passed over.
 * @param isPassedOn whether all of it goes to the model
 * @param weigh told how many commas, colons and opening brackets there are, those behind numbers as halves, before anything
 *   is made of them; may throw
 * @throws DomainError `invalid_json` naming the fault and where it is, never the content
 */
export function parseJsonBody(
  body: Buffer,
  isPassedOn = false,
  weigh: (parts: number) => void = () => undefined,
): Json {
  if (body.length === 0) throw invalid('The body is empty; send a JSON object.');
  let text: string;
  try {
    text = decoder.decode(body);
  } catch {
    throw invalid('The body is not valid UTF-8.');
  }
  // Before anything recurses.
  const { members, parts, outOfRange, inexact } = scan(text);
  weigh(parts);
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch (error) {
    // Only at the end: elsewhere the message may quote the body.
    const position = /position (\d+)( \(line \d+ column \d+\))?$/.exec((error as Error).message)?.[1];
    throw invalid(
      `The body is not JSON${position === undefined ? '' : `: it goes wrong at character ${position}`}.`,
    );
  }
  // JSON.parse keeps the last of two values under one key.
  if (countMembers(value) !== members) refuseDuplicate(text);
  // Only an escape can make a character that cannot be stored: a bare one is no JSON, or no UTF-8.
  if (outOfRange || /\\u(0000|d[89a-f])/i.test(text)) refuseUnstorable(value, [], isPassedOn);
  if (inexact) {
    throw invalid('A whole number in the body has more digits than can be kept: send it as a text.');
  }
  return value;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Looks at a text's structure without reading it: the number of members of all objects, that of all commas, colons
 * and opening brackets (behind numbers as halves), and whether it has numbers that a double cannot hold. The text may be no JSON.
 * @throws DomainError when it is nested too deep, or has too many parts
 */
function scan(text: string): { members: number; parts: number; outOfRange: boolean; inexact: boolean } {
  let outOfRange = false;
  let inexact = false;
  let members = 0;
  let others = 0;
  let numbers = 0;
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = endOfText(text, at);
        break;
      case 0x3a: // :
        members += 1;
        break;
      case 0x2c: // ,
        if (isDigit(text.charCodeAt(at - 1))) numbers += 1;
        else others += 1;
        break;
      case 0x5b: // [
      case 0x7b: // {
        others += 1;
        depth += 1;
        if (depth > MAX_DEPTH) throw invalid(`The body is nested deeper than ${MAX_DEPTH} levels.`);
        break;
      case 0x5d: // ]
      case 0x7d: // }
        depth -= 1;
        break;
      default: {
        const end = endOfNumber(text, at);
        if (end === at) break;
        if (end - at > 3) {
          const number = text.slice(at, end);
          if (Math.abs(Number(number)) === Infinity) outOfRange = true;
          else inexact ||= end - at > 15 && isInexact(number);
        }
        at = end - 1;
      }
    }
  }
  const parts = members + others;
  if (parts > MAX_PARTS) {
    throw invalid(`The body has ${parts} commas, colons and brackets that open; the most is ${MAX_PARTS}.`);
  }
  return { members, parts: parts + Math.round(numbers / 2), outOfRange, inexact };
}

/** Where the text that begins with the quote at `start` has its last quote; the end where it has none. */
function endOfText(text: string, start: number): number {
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

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function countMembers(value: Json): number {
  if (typeof value !== 'object' || value === null) return 0;
  let members = 0;
  if (Array.isArray(value)) {
    for (const item of value) members += countMembers(item);
  } else {
    // Twice as fast as Object.values where an object has many.
    for (const key in value) members += 1 + countMembers(value[key] as Json);
  }
  return members;
}

/** @throws DomainError that points to the first key which its object has already */
function refuseDuplicate(text: string): void {
  const open: { keys: Set<string> | null; wantsKey: boolean; key: string; index: number }[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const inner = open.at(-1);
    const character = text.charAt(at);
    switch (character) {
      case '"': {
        const end = endOfText(text, at);
        if (inner?.keys && inner.wantsKey) {
          inner.wantsKey = false;
          inner.key = JSON.parse(text.slice(at, end + 1)) as string;
          if (inner.keys.has(inner.key)) {
            const pointer = pointerTo(open.map(({ keys, key, index }) => (keys ? key : index)));
            throw invalid(`The key at ${place(pointer)} is there twice: send it once.`, pointer);
          }
          inner.keys.add(inner.key);
        }
        at = end;
        break;
      }
      case ',':
        if (inner) Object.assign(inner, { wantsKey: true, index: inner.index + 1 });
        break;
      case '{':
      case '[':
        open.push({ keys: character === '{' ? new Set() : null, wantsKey: true, key: '', index: 0 });
        break;
      case '}':
      case ']':
        open.pop();
        break;
    }
  }
  throw invalid('A key in the body is there twice: send it once.');
}

/** @throws DomainError that points to the first text or number that cannot be stored */
function refuseUnstorable(value: Json, path: (string | number)[], isPassedOn: boolean): void {
  const isFree = isPassedOn || PASSED_ON.includes(path[0]);
  if (typeof value === 'string' && !isFree) refuseText(value, path);
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw invalid(`The number at ${place(pointerTo(path))} is out of range.`, pointerTo(path));
  }
  if (typeof value !== 'object' || value === null) return;
  const entries = Array.isArray(value) ? value.entries() : Object.entries(value);
  for (const [key, inner] of entries) {
    if (typeof key === 'string' && !isFree) refuseText(key, path);
    path.push(key);
    refuseUnstorable(inner, path, isPassedOn);
    path.pop();
  }
}

function refuseText(text: string, path: (string | number)[]): void {
  const pointer = (): string => pointerTo(path);
  if (text.includes('\0')) {
    throw invalid(`The text at ${place(pointer())} has a NUL character.`, pointer());
  }
  if (!text.isWellFormed()) {
    throw invalid(`The text at ${place(pointer())} has half a surrogate pair.`, pointer());
  }
}

/** Whether a whole number becomes another one when it is read as a double, as one of more than 15 digits may. */
function isInexact(number: string): boolean {
  if (!/^-?\d{16,}$/.test(number) || String(Number(number)) === number) return false;
  return BigInt(number) !== BigInt(Number(number));
}

/** A JSON pointer of at most 200 characters. */
function pointerTo(path: (string | number)[]): string {
  const steps = path.map((step) => String(step).slice(0, 64).replaceAll('~', '~0').replaceAll('/', '~1'));
  return steps
    .map((step) => `/${step}`)
    .join('')
    .slice(0, 200);
}

function place(pointer: string): string {
  return pointer === '' ? 'the top' : JSON.stringify(pointer);
}

function invalid(detail: string, pointer?: string): DomainError {
  const faults = pointer === undefined ? [] : [{ pointer, detail }];
  return new DomainError('invalid_json', detail, faults);
}
