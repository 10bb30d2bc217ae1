import { randomBytes } from 'node:crypto';
import { itemsOf, membersOf, numbersOf, type Member, type Slice } from './json-scan';

/** A text of more characters is large: its bytes are made once, and shared by all that send it. */
const LARGE_TEXT = 1_048_576;

/** Any value that JSON can express. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** True for a JSON object: not null, not an array, nor the text of one. */
export function isJsonObject(value: unknown): value is { [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof JsonText);
}

/** The number that a member of an exact value is, whose own spelling may make it a text; undefined for anything else. */
export function asNumber(value: Json | undefined): number | undefined {
  const number: unknown =
    (value as unknown) instanceof JsonText ? (value as unknown as JsonText).value : value;
  return typeof number === 'number' ? number : undefined;
}

/**
 * JSON as the text that came. Payloads and responses are carried so from the edge to the database, the model and back:
 * reading and writing them anew would sort keys, round numbers and respell what the other side has written.
 *
 * Where other JSON is made of it, {@link writeJson} puts the text in as it is; JSON.stringify would write the value.
 */
export class JsonText {
  /** Of one that came as bytes it is made where it is asked for. */
  declare readonly text: string;
  #decoded: string | undefined;
  #value: Json | undefined;
  #exact: Json | undefined;
  #bytes: Buffer | undefined;

  static readonly #ofBytes: PropertyDescriptor & ThisType<JsonText> = {
    enumerable: true,
    get() {
      return (this.#decoded ??= this.bytes.toString());
    },
  };

  /**
   * @param source valid JSON, or its bytes in UTF-8
   * @param value what it reads as, where that is known already
   */
  constructor(source: string | Buffer, value?: Json) {
    if (typeof source === 'string') this.text = source;
    else {
      this.#bytes = source;
      // Its own, as that of others: what compares two of them compares their texts.
      Object.defineProperty(this, 'text', JsonText.#ofBytes);
    }
    this.#value = value;
  }

  /** Writes a value of our own; texts in it as they are. */
  static of(value: unknown): JsonText {
    return new JsonText(writeJson(value));
  }

  /** For looking at only: numbers are doubles. */
  get value(): Json {
    return (this.#value ??= JSON.parse(this.text) as Json);
  }

  /**
   * For making other JSON of it with {@link writeJson}: as {@link value}, but numbers that a double would spell in
   * another way are texts.
   */
  get exact(): Json {
    return (this.#exact ??= exactly(this));
  }

  /** In UTF-8, which all that ask share: for reading only. */
  get bytes(): Buffer {
    return (this.#bytes ??= Buffer.from(this.text));
  }

  /** About how long it is: in bytes where it has come as such, else in characters. */
  get size(): number {
    return this.#bytes?.length ?? this.text.length;
  }

  get isNull(): boolean {
    return this.first === 'n';
  }

  get isObject(): boolean {
    return this.first === '{';
  }

  /** Whether it is a string. */
  get isText(): boolean {
    return this.first === '"';
  }

  /** Its first character, which tells what kind of value it is. */
  private get first(): string | undefined {
    const code = this.#bytes?.find((byte) => byte > 0x20);
    return code === undefined ? /[^ \n\r\t]/.exec(this.text)?.[0] : String.fromCharCode(code);
  }

  /** The same without what was read of it, which takes more memory than the text. */
  unread(): JsonText {
    return new JsonText(this.#bytes ?? this.text);
  }

  /** As {@link exact}, but the objects and lists in an object or a list are the texts that they are. */
  get shallow(): Json {
    const read = ({ start, end }: Slice): Json => {
      const inner = new JsonText(this.text.slice(start, end));
      return '[{'.includes(inner.text.charAt(0)) ? (inner as unknown as Json) : inner.exact;
    };
    switch (this.first) {
      case '{':
        return Object.fromEntries(membersOf(this.text).map((member) => [member.key, read(member)]));
      case '[':
        return itemsOf(this.text).map(read);
      default:
        return this.exact;
    }
  }

  /** The value of an object's member; null where there is none. */
  member(name: string): JsonText | null {
    const found = membersOf(this.text).find(({ key }) => key === name);
    return found ? new JsonText(this.text.slice(found.start, found.end)) : null;
  }

  /** The items of an array. */
  items(): JsonText[] {
    return itemsOf(this.text).map(({ start, end }) => new JsonText(this.text.slice(start, end)));
  }

  /** The object with a member in the place of the one with its name, or after all others. */
  with(name: string, value: JsonText): JsonText {
    const members = membersOf(this.text);
    const old = members.find(({ key }) => key === name);
    if (old) return this.spliced(old.start, old.end, value.text);
    const end = members.at(-1)?.end ?? this.text.indexOf('{') + 1;
    const separator = members.length > 0 ? ',' : '';
    return this.spliced(end, end, `${separator}${JSON.stringify(name)}:${value.text}`);
  }

  /** The object without some of its members. */
  without(...names: string[]): JsonText {
    const members = membersOf(this.text);
    const isKept = ({ key }: Member): boolean => !names.includes(key);
    if (members.every(isKept)) return this;
    const first = members[0]?.keyStart ?? 0;
    const last = members.at(-1)?.end ?? 0;
    const lastKept = members.findLast(isKept);
    const kept = members.map((member, index) => {
      if (!isKept(member)) return '';
      // What separates it from the next one stays with it.
      return this.text.slice(
        member.keyStart,
        member === lastKept ? member.end : members[index + 1]?.keyStart,
      );
    });
    return this.spliced(first, last, kept.join(''));
  }

  /** The object with another name for one of its members; one that has that name already gives way. */
  renamed(from: string, to: string): JsonText {
    const rest = this.without(to);
    const member = membersOf(rest.text).find(({ key }) => key === from);
    return member ? rest.spliced(member.keyStart, member.keyEnd, JSON.stringify(to)) : this;
  }

  /** For JSON.stringify, which writes the value unless {@link writeJson} has called it. */
  toJSON(): unknown {
    if (!spliced) return this.value;
    spliced.texts.push(this);
    return MARK;
  }

  private spliced(start: number, end: number, text: string): JsonText {
    return new JsonText(this.text.slice(0, start) + text + this.text.slice(end));
  }
}

/** A number of an exact value. There may be millions: it is written in its place, where other texts are pieces. */
class JsonNumber extends JsonText {
  override toJSON(): unknown {
    if (!spliced) return this.value;
    spliced.hasNumbers = true;
    return NUMBER + this.text;
  }
}

/** Stands for a text in what JSON.stringify writes; nobody outside of this process can know it. */
const MARK = `json:${randomBytes(16).toString('hex')}:`;
const QUOTED_MARK = JSON.stringify(MARK);
/** Stands before the text of a number; as short as can be, and as unknown. */
const NUMBER = randomBytes(6).toString('base64url');
const QUOTED_NUMBER = `"${NUMBER}`;
const NUMBERS = new RegExp(`${QUOTED_NUMBER}([^"]*)"`, 'g');

/** The texts of the value that is being written, in their order, and whether a {@link JsonNumber} was. */
let spliced: Spliced | null = null;

interface Spliced {
  texts: JsonText[];
  hasNumbers: boolean;
}

/** Writes a value as JSON.stringify does, but each {@link JsonText} in it as the text that it is. */
export function writeJson(value: unknown): string {
  return jsonPieces(value).join('');
}

/** The bytes of what {@link writeJson} writes, which never is one text: what is large takes its room once. */
export function jsonBytes(value: unknown): Buffer {
  const pieces = jsonPieces(value);
  const bytes = Buffer.allocUnsafe(pieces.reduce((sum, piece) => sum + Buffer.byteLength(piece), 0));
  let at = 0;
  for (const piece of pieces) at += bytes.write(piece, at);
  return bytes;
}

/**
 * The same in several buffers: what is large has one of its own, and a {@link JsonText} that is large is in the same buffer
 * for all that send it.
 */
export function jsonChunks(value: unknown): Buffer[] {
  const chunks: Buffer[] = [];
  let small = '';
  for (const piece of partsOf(value)) {
    if (typeof piece !== 'string' && piece.size > LARGE_TEXT) {
      chunks.push(Buffer.from(small), piece.bytes);
      small = '';
    } else {
      small += typeof piece === 'string' ? piece : piece.text;
    }
  }
  return [...chunks, Buffer.from(small)];
}

/** What {@link writeJson} writes, in pieces: each {@link JsonText} is one of its own. */
function jsonPieces(value: unknown): string[] {
  return partsOf(value).map((piece) => (typeof piece === 'string' ? piece : piece.text));
}

function partsOf(value: unknown): (string | JsonText)[] {
  if (value instanceof JsonText) return [value];
  const outer = spliced;
  const own: Spliced = { texts: [], hasNumbers: false };
  spliced = own;
  try {
    const { texts } = own;
    let written = JSON.stringify(value);
    if (own.hasNumbers) written = written.replace(NUMBERS, '$1');
    if (texts.length === 0) return [written];
    return written.split(QUOTED_MARK).flatMap((piece, index) => [piece, texts[index] ?? '']);
  } finally {
    spliced = outer;
  }
}

function exactly(json: JsonText): Json {
  const { text } = json;
  const marked: string[] = [];
  let done = 0;
  for (const { start, end } of numbersOf(text)) {
    const number = text.slice(start, end);
    if (String(Number(number)) === number) continue;
    marked.push(text.slice(done, start), QUOTED_NUMBER, number, '"');
    done = end;
  }
  if (done === 0) return json.value;
  return withNumbers(JSON.parse(marked.join('') + text.slice(done)) as Json, new Map());
}

/** Puts numbers in the place of their marked texts; each spelling is there once. */
function withNumbers(value: Json, known: Map<string, JsonNumber>): Json {
  if (typeof value === 'string') {
    if (!value.startsWith(NUMBER)) return value;
    let number = known.get(value);
    if (!number) known.set(value, (number = new JsonNumber(value.slice(NUMBER.length))));
    return number as unknown as Json;
  }
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) {
      value[index] = withNumbers(value[index] as Json, known);
    }
  } else {
    // Its own `__proto__` is a member like any other: it is there already.
    for (const key in value) value[key] = withNumbers(value[key] as Json, known);
  }
  return value;
}
