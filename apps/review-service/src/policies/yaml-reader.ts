import { MAX_NAME_LENGTH, personName, type FieldFault } from '@hitl/domain';
import {
  isMap,
  isScalar,
  Lexer,
  LineCounter,
  parseDocument,
  Parser,
  type Document,
  type ParsedNode,
} from 'yaml';

/** Faults, and warnings, that are told at most. */
const MAX_FAULTS = 100;
const MAX_ALIASES = 100;
/** Levels of the syntax; a list within a map has two or three. The library's recursion can end the process. */
const MAX_LEVELS = 60;
/** Comparisons of keys, each with those before it in its map: the largest policy needs a tenth. */
const MAX_COMPARISONS = 400_000;
const MAX_TIME_MS = 365 * 86_400_000;
const UNIT_MS = new Map([
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);
const NAME = /^[a-z0-9_.-]{1,100}$/;

export type Path = (string | number)[];
/** Answers what a value stands for, or undefined after it has noted a fault. */
export type Read<T> = (value: unknown, path: Path) => T | undefined;
type Shape = Record<string, Read<unknown>>;
type Content<S extends Shape> = { [Key in keyof S]?: S[Key] extends Read<infer T> ? T : never };

/** The document asks for more work than any that makes sense. */
export class YamlLimitError extends Error {
  override name = 'YamlLimitError';
}

/** Reads a YAML document by the shape that it should have, and collects what is wrong with it. */
export class YamlReader {
  readonly faults: FieldFault[] = [];
  readonly warnings: FieldFault[] = [];
  private readonly lines = new LineCounter();
  private readonly document: Document;

  /** @throws YamlLimitError */
  constructor(text: string) {
    requireShallow(text);
    this.document = parseDocument(text, {
      lineCounter: this.lines,
      prettyErrors: false,
      uniqueKeys: countedComparison(),
    });
  }

  /** The document as plain data; undefined where it is no YAML. */
  content(): unknown {
    for (const { code, message, pos } of this.document.errors) {
      const line = this.lines.linePos(pos[0]).line;
      this.note([], `line ${line} is not YAML (${code}): ${message.slice(0, 200)}`);
    }
    if (this.faults.length > 0) return undefined;
    try {
      return this.document.toJS({ maxAliasCount: MAX_ALIASES });
    } catch (error) {
      // Too many aliases, or one without its anchor.
      if (!(error instanceof ReferenceError)) throw error;
      return this.note([], `${error.message}: write it out`);
    }
  }

  /** Notes a fault; answers undefined. */
  note<T>(path: Path, detail: string): T | undefined {
    if (this.faults.length < MAX_FAULTS) this.faults.push(this.placed(path, detail));
    return undefined;
  }

  warn(path: Path, detail: string): void {
    if (this.warnings.length < MAX_FAULTS) this.warnings.push(this.placed(path, detail));
  }

  /** @param needed keys that may not be missing */
  object<S extends Shape>(shape: S, needed: (keyof S & string)[] = []): Read<Content<S>> {
    const keys = Object.keys(shape).join(', ');
    return (value, path) => {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        return this.note(path, `${show(value)} is not an object with the keys ${keys}`);
      }
      const content: Record<string, unknown> = {};
      for (const [key, inner] of Object.entries(value)) {
        const read = Object.hasOwn(shape, key) ? shape[key] : undefined;
        if (read) content[key] = read(inner, [...path, key]);
        else this.note([...path, key], `there is no such key; known are ${keys}`);
      }
      for (const key of needed) {
        if (!Object.hasOwn(value, key)) this.note([...path, key], 'is missing; add it');
      }
      return content as Content<S>;
    };
  }

  list<T>(read: Read<T>, least: number, most: number): Read<(T | undefined)[]> {
    return (value, path) => {
      if (!Array.isArray(value)) return this.note(path, `${show(value)} is not a list`);
      if (value.length < least || value.length > most) {
        return this.note(path, `has ${value.length} entries; there may be ${least} to ${most}`);
      }
      return value.map((entry, index) => read(entry, [...path, index]));
    };
  }

  orNone<T>(read: Read<T>): Read<T | null> {
    return (value, path) => (value === null ? null : read(value, path));
  }

  readonly flag: Read<boolean> = (value, path) =>
    typeof value === 'boolean' ? value : this.note(path, `${show(value)} is neither true nor false`);

  readonly share: Read<number> = (value, path) =>
    typeof value === 'number' && value >= 0 && value <= 1
      ? value
      : this.note(path, `${show(value)} is not a share from 0 to 1, such as 0.05`);

  readonly name: Read<string> = (value, path) =>
    typeof value === 'string' && NAME.test(value)
      ? value
      : this.note(path, `${show(value)} is no name: take 1 to 100 of a-z, 0-9, "-", "_" and "."`);

  /** As the header x-hitl-actor may name somebody; in the form in which names are compared. */
  readonly person: Read<string> = (value, path) =>
    (typeof value === 'string' ? personName(value) : null) ??
    this.note(
      path,
      `${show(value)} is no person's name: take 1 to ${MAX_NAME_LENGTH} characters without control characters, none of worker, desk and policy:…, and put numbers in quotes`,
    );

  /** In milliseconds. */
  readonly time: Read<number> = (value, path) => {
    const [, amount, unit = ''] = (typeof value === 'string' && /^(\d{1,9})([smhd])$/.exec(value)) || [];
    const ms = Number(amount) * (UNIT_MS.get(unit) ?? NaN);
    if (ms > 0 && ms <= MAX_TIME_MS) return ms;
    return this.note(path, `${show(value)} is no time from 1s to 365d, such as 90s, 30m, 24h or 7d`);
  };

  /** In milliseconds; 0 for `0s`. */
  readonly timeOrZero: Read<number> = (value, path) => (value === '0s' ? 0 : this.time(value, path));

  whole(least: number, most: number): Read<number> {
    return (value, path) =>
      Number.isInteger(value) && Number(value) >= least && Number(value) <= most
        ? Number(value)
        : this.note(path, `${show(value)} is not a whole number from ${least} to ${most}`);
  }

  shortText(most: number): Read<string> {
    return (value, path) =>
      typeof value === 'string' && value.length >= 1 && value.length <= most
        ? value
        : this.note(path, `${show(value)} is not a text of 1 to ${most} characters; put numbers in quotes`);
  }

  oneOf<const T extends string | number>(...known: T[]): Read<T> {
    return (value, path) =>
      known.find((one) => one === value) ?? this.note(path, `${show(value)} is not ${known.join(' or ')}`);
  }

  private placed(path: Path, detail: string): FieldFault {
    const line = this.lineOf(path);
    const pointer = path.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
    return { pointer: pointer.slice(0, 500), detail: line === null ? detail : `${detail} (line ${line})` };
  }

  /** Where a key or an entry is written, or else what it would be part of. */
  private lineOf(path: Path): number | null {
    for (let length = path.length; length > 0; length -= 1) {
      const parent: unknown = this.document.getIn(path.slice(0, length - 1), true);
      const pair = isMap(parent)
        ? parent.items.find(({ key }) => String(key) === path[length - 1])
        : undefined;
      const node: unknown = pair?.key ?? this.document.getIn(path.slice(0, length), true);
      const range = (node as { range?: [number, number, number] } | undefined)?.range;
      if (range) return this.lines.linePos(range[0]).line;
    }
    return null;
  }
}

/** @throws YamlLimitError for a text that is nested too deep */
function requireShallow(text: string): void {
  const parser = new Parser();
  for (const lexeme of new Lexer().lex(text)) {
    // Drives the parser; its tokens do not matter here.
    Array.from(parser.next(lexeme));
    if (parser.stack.length > MAX_LEVELS) {
      throw new YamlLimitError(`it is nested too deep, beyond ${MAX_LEVELS} levels; write it out`);
    }
  }
}

/** The library's own comparison of keys. It throws {@link YamlLimitError} where a map has too many of them. */
function countedComparison(): (a: ParsedNode, b: ParsedNode) => boolean {
  let comparisons = 0;
  return (a, b) => {
    comparisons += 1;
    if (comparisons > MAX_COMPARISONS)
      throw new YamlLimitError('it has too many keys in one map; remove some');
    return a === b || (isScalar(a) && isScalar(b) && a.value === b.value);
  };
}

/** Enough of a value to recognise it. */
export function show(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 64 ? `${text.slice(0, 64)}…` : text;
}
