import {
  DomainError,
  duplicateKey,
  isJsonObject,
  itemsOf,
  JsonText,
  membersOf,
  numbersOf,
  structureOf,
  type Json,
  type Slice,
} from '@hitl/domain';

/** Deepest nesting of objects and arrays in a body. */
export const MAX_DEPTH = 127;

/**
 * Commas, colons and opening brackets of a body at most: what each stands for takes far more memory than its text. Commas
 * behind numbers are not among them, since these take little.
 */
const MAX_PARTS = 1_000_000;
/** The same, and numbers, of all but its {@link VERBATIM} members: these are not looked into where requests are served. */
const MAX_OTHER_PARTS = 100_000;

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Members of a body, and of each decision of many, that are kept and passed on as they are written. */
const VERBATIM: readonly string[] = ['payload', 'response', 'response_schema', 'content'];
const LISTS: readonly string[] = ['decisions'];

/** A body as it was read. */
export interface ReadBody {
  /** With its verbatim members in it, each a {@link JsonText}. */
  value: Json | JsonText;
  /** These members in their order: the path to each, and where in the text of the body it is. */
  texts: (Slice & { path: (string | number)[]; json: JsonText })[];
  /** The text of the body. */
  text: string;
}

/**
 * Reads a request body as JSON that can be stored and passed on unchanged. A byte order mark is passed over. What goes to
 * the model, or comes from a reviewer in its stead, is a {@link JsonText} in it, which may have all that JSON can have.
 * @param isPassedOn whether all of it goes to the model: then the whole is a text
 * @param weigh gets how many commas, colons and opening brackets there are, those behind numbers as halves, before anything
 *   is made of them; may throw
 * @throws DomainError `invalid_json` naming the fault and where it is, never the content
 */
export function parseJsonBody(
  body: Buffer,
  isPassedOn = false,
  weigh: (parts: number) => void = () => undefined,
): ReadBody {
  if (body.length === 0) throw invalid('The body is empty; send a JSON object.');
  let text: string;
  try {
    text = decoder.decode(body);
  } catch {
    throw invalid('The body is not valid UTF-8.');
  }
  // Before anything recurses.
  const { depth, parts, partsOfNumbers } = structureOf(text);
  if (depth > MAX_DEPTH) throw invalid(`The body is nested deeper than ${MAX_DEPTH} levels.`);
  if (parts > MAX_PARTS) {
    throw invalid(`The body has ${parts} commas, colons and brackets that open; the most is ${MAX_PARTS}.`);
  }
  weigh(parts + Math.round(partsOfNumbers / 2));
  const whole = new JsonText(text, parse(text));
  const duplicate = duplicateKey(whole);
  if (duplicate) {
    const pointer = pointerTo(duplicate);
    throw invalid(`The key at ${place(pointer)} is there twice: send it once.`, pointer);
  }
  return isPassedOn ? { value: whole, texts: [], text } : withTexts(whole);
}

/** A text that stands for "not given" where it is null; null for one that is not there. */
export function orNull(json: JsonText | null | undefined): JsonText | null {
  return json === undefined || json === null || json.isNull ? null : json;
}

/** The same as its text. */
export function textOrNull(json: JsonText | null | undefined): string | null {
  return orNull(json)?.text ?? null;
}

/** Whether a field of a body says anything. */
export function isGiven(field: unknown): boolean {
  return field instanceof JsonText ? !field.isNull : field !== undefined && field !== null;
}

function parse(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    // Only at the end: elsewhere the message may quote the body.
    const position = /position (\d+)( \(line \d+ column \d+\))?$/.exec((error as Error).message)?.[1];
    throw invalid(
      `The body is not JSON${position === undefined ? '' : `: it goes wrong at character ${position}`}.`,
    );
  }
}

/** The value of a body with its verbatim members as the texts that they are. */
function withTexts({ text, value }: JsonText): ReadBody {
  const texts: ReadBody['texts'] = [];
  const read = (from: number, part: string, fields: Json, path: (string | number)[]): void => {
    if (!isJsonObject(fields)) return;
    for (const { key, start, end } of membersOf(part)) {
      const inner = part.slice(start, end);
      if (VERBATIM.includes(key)) {
        const json = new JsonText(inner, fields[key]);
        texts.push({ path: [...path, key], start: from + start, end: from + end, json });
        fields[key] = json as unknown as Json;
      } else if (from === 0 && LISTS.includes(key) && Array.isArray(fields[key])) {
        for (const [index, item] of itemsOf(inner).entries()) {
          const one = inner.slice(item.start, item.end);
          read(start + item.start, one, fields[key][index] ?? null, [key, index]);
        }
      }
    }
  };
  read(0, text, value, []);
  const rest = without(text, texts);
  const { parts, partsOfNumbers } = structureOf(rest);
  if (parts + partsOfNumbers > MAX_OTHER_PARTS) {
    throw invalid(
      `The body has ${parts + partsOfNumbers} commas, colons and brackets that open outside of ${VERBATIM.join(', ')}; the most is ${MAX_OTHER_PARTS}.`,
    );
  }
  // Only an escape can make a character that cannot be stored: a bare one is no JSON, or no UTF-8.
  if (/\\u(0000|d[89a-f])/i.test(rest)) refuseTexts(value, []);
  refuseNumbers(rest, value);
  return { value, texts, text };
}

/** The text with null in the place of some of its values. */
function without(text: string, values: Slice[]): string {
  let rest = '';
  let done = 0;
  for (const { start, end } of values) {
    rest += `${text.slice(done, start)}null`;
    done = end;
  }
  return rest + text.slice(done);
}

/** @throws DomainError for the first number that a double cannot hold */
function refuseNumbers(text: string, value: Json): void {
  for (const { start, end } of numbersOf(text)) {
    if (end - start <= 3) continue;
    const number = text.slice(start, end);
    if (Math.abs(Number(number)) === Infinity) {
      const pointer = pointerTo(pathTo(value, (one) => one === Infinity || one === -Infinity) ?? []);
      throw invalid(`The number at ${place(pointer)} is out of range.`, pointer);
    }
    if (end - start > 15 && isInexact(number)) {
      throw invalid('A whole number in the body has more digits than can be kept: send it as a text.');
    }
  }
}

/** The path to the first value that is wanted; null where there is none. Texts that are passed on are not looked into. */
function pathTo(value: Json, isWanted: (value: Json) => boolean): (string | number)[] | null {
  if (isWanted(value)) return [];
  if (typeof value !== 'object' || value === null || value instanceof JsonText) return null;
  for (const [key, inner] of Array.isArray(value) ? value.entries() : Object.entries(value)) {
    const path = pathTo(inner, isWanted);
    if (path) return [key, ...path];
  }
  return null;
}

/** @throws DomainError that points to the first text that cannot be stored */
function refuseTexts(value: Json, path: (string | number)[]): void {
  if (typeof value === 'string') refuseText(value, path);
  if (typeof value !== 'object' || value === null || value instanceof JsonText) return;
  for (const [key, inner] of Array.isArray(value) ? value.entries() : Object.entries(value)) {
    if (typeof key === 'string') refuseText(key, path);
    path.push(key);
    refuseTexts(inner, path);
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
