import { DomainError, type Json } from '@hitl/domain';

/** Deepest nesting of objects and arrays in a body. */
export const DEEPEST_BODY = 64;

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Members of a body that are passed on: they may have every text that JSON can have. */
const PASSED_ON = /^\/(?:payload|response)(?:\/|$)/;

/**
 * Reads a request body as JSON that can be stored and passed on unchanged.
 * @param isPassedOn whether all of it goes to the model
 * @throws DomainError `invalid_json` naming the fault and where it is, never the content
 */
export function parseJsonBody(body: Buffer, isPassedOn = false): Json {
  if (body.length === 0) throw invalid('The body is empty; send a JSON object.');
  let text: string;
  try {
    text = decoder.decode(body);
  } catch {
    throw invalid('The body is not valid UTF-8.');
  }
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
  if (check(value, isPassedOn)) refuseInexact(text);
  return value;
}

/**
 * A whole number of more than 15 digits may become another one when it is read as a double.
 * @param text valid JSON
 */
function refuseInexact(text: string): void {
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g)) {
    if (
      /^-?\d{16,}$/.test(token) &&
      String(Number(token)) !== token &&
      BigInt(token) !== BigInt(Number(token))
    ) {
      throw invalid('A whole number in the body has more digits than can be kept: send it as a text.');
    }
  }
}

/** Walks without recursion: the depth is the sender's choice. Answers whether a number is too large to be surely exact. */
function check(root: Json, isPassedOn: boolean): boolean {
  let large = false;
  const open: { value: Json; depth: number; pointer: string }[] = [{ value: root, depth: 1, pointer: '' }];
  for (let next = open.pop(); next; next = open.pop()) {
    const { value, depth, pointer } = next;
    const isFree = isPassedOn || PASSED_ON.test(pointer);
    if (typeof value === 'string') {
      if (!isFree) checkText(value, pointer);
    } else if (typeof value === 'number') {
      if (!Number.isFinite(value)) throw invalid(`The number at ${place(pointer)} is out of range.`);
      large ||= Number.isInteger(value) && !Number.isSafeInteger(value);
    } else if (typeof value === 'object' && value !== null) {
      if (depth > DEEPEST_BODY) throw invalid(`The body is nested deeper than ${DEEPEST_BODY} levels.`);
      for (const [key, inner] of Object.entries(value)) {
        if (key === '__proto__') throw invalid(`The key "__proto__" in ${place(pointer)} is not allowed.`);
        if (!isFree) checkText(key, pointer);
        open.push({ value: inner, depth: depth + 1, pointer: `${pointer}/${key.slice(0, 64)}` });
      }
    }
  }
  return large;
}

function checkText(text: string, pointer: string): void {
  if (text.includes('\0')) throw invalid(`The text at ${place(pointer)} has a NUL character.`);
  if (!text.isWellFormed()) throw invalid(`The text at ${place(pointer)} has half a surrogate pair.`);
}

function place(pointer: string): string {
  return pointer === '' ? 'the top' : JSON.stringify(pointer.slice(0, 200));
}

function invalid(detail: string): DomainError {
  return new DomainError('invalid_json', detail);
}
