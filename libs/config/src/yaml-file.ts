import { isObject, fieldsOf, pointerTo, readObject, type Path } from '@hitl/shapes';
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

const MAX_FAULTS = 100;
const MAX_ALIASES = 100;
/** Levels of the syntax; a list within a map has two or three. The library's recursion can end the process. */
const MAX_LEVELS = 60;
/** Comparisons of keys, each with those before it in its map: the largest policy needs a tenth. */
const MAX_COMPARISONS = 400_000;

/** What is wrong in a file: where, as a JSON pointer and with the line in the detail, and what. */
export interface FileFault {
  pointer: string;
  detail: string;
}

/** A fault, and the position in the text by which it is sorted. */
interface Placed extends FileFault {
  at: number;
}

/** The document asks for more work than any that makes sense. */
class YamlLimitError extends Error {
  override name = 'YamlLimitError';
}

/**
 * A file in YAML, or in JSON, that is read as a class of fields (`readObject`). Collects what is wrong with it; what is
 * too much is found by counting, never by a clock.
 */
export class YamlFile {
  /** Warnings, in the order in which they were made. */
  readonly warnings: FileFault[] = [];
  private readonly found: Placed[] = [];
  private readonly lines = new LineCounter();
  private readonly document: Document | undefined;

  /** @param options.hasSecrets whether no fault of the syntax may quote the file */
  constructor(
    text: string,
    private readonly options: { hasSecrets?: boolean } = {},
  ) {
    try {
      requireShallow(text);
      this.document = parseDocument(text, {
        lineCounter: this.lines,
        prettyErrors: false,
        uniqueKeys: countedComparison(),
      });
    } catch (error) {
      // A RangeError: the stack.
      if (!(error instanceof YamlLimitError || error instanceof RangeError)) throw error;
      this.note([], error instanceof YamlLimitError ? error.message : DEEP);
    }
  }

  /** At most 100, in the order of the file. */
  get faults(): FileFault[] {
    const inOrder = this.found.toSorted((one, other) => one.at - other.at);
    return inOrder.map(({ pointer, detail }) => ({ pointer, detail }));
  }

  /** Whether there is a fault at a path or below it. */
  hasFaults(path: Path): boolean {
    const at = pointerTo(path);
    return this.found.some(({ pointer }) => pointer === at || pointer.startsWith(`${at}/`));
  }

  /** The file as an object of a class; undefined where it is none. Fields with faults are undefined in it. */
  read<T extends object>(type: new () => T): T | undefined {
    const content = this.content();
    if (this.found.length > 0) return undefined;
    if (isObject(content)) {
      return readObject(type, content, [], {
        unknown: 'there is no such key',
        note: (path, detail) => this.note(path, detail),
      });
    }
    this.note([], `must be an object with the keys ${[...fieldsOf(type)].join(', ')}`);
    return undefined;
  }

  note(path: Path, detail: string): void {
    if (this.found.length < MAX_FAULTS) this.found.push(this.placed(path, detail));
  }

  warn(path: Path, detail: string): void {
    const { pointer, detail: placed } = this.placed(path, detail);
    if (this.warnings.length < MAX_FAULTS) this.warnings.push({ pointer, detail: placed });
  }

  /** The document as plain data; undefined where it is no YAML. */
  private content(): unknown {
    for (const { code, message, pos } of this.document?.errors ?? []) {
      const quoted = this.options.hasSecrets ? '' : `: ${message.slice(0, 200)}`;
      const hint = code === 'BAD_ALIAS' ? '; put a text that begins with * in quotes' : '';
      this.note([], `line ${this.lines.linePos(pos[0]).line} is not YAML (${code})${quoted}${hint}`);
    }
    if (this.found.length > 0) return undefined;
    try {
      return this.document?.toJS({ maxAliasCount: MAX_ALIASES });
    } catch (error) {
      if (error instanceof ReferenceError) this.note([], UNKNOWN_ALIAS);
      else if (error instanceof RangeError || error instanceof TypeError) this.note([], DEEP);
      else throw error;
      return undefined;
    }
  }

  private placed(path: Path, detail: string): Placed {
    const { at, line } = this.placeOf(path);
    const pointer = pointerTo(path).slice(0, 500);
    return { pointer, detail: line === null ? detail : `${detail} (line ${line})`, at };
  }

  /** Where a key or an entry is written; of a key that is missing, the line of its object, and the object's end. */
  private placeOf(path: Path): { at: number; line: number | null } {
    for (let length = path.length; length > 0; length -= 1) {
      const parent: unknown = this.document?.getIn(path.slice(0, length - 1), true);
      const pair = isMap(parent)
        ? parent.items.find(({ key }) => String(key) === path[length - 1])
        : undefined;
      const value = this.document?.getIn(path.slice(0, length), true);
      const [start] = rangeOf(pair?.key) ?? rangeOf(value) ?? [];
      if (start === undefined) continue;
      const at = length === path.length ? start : (rangeOf(value)?.[1] ?? start);
      return { at, line: this.lines.linePos(start).line };
    }
    return { at: Infinity, line: null };
  }
}

/** Where a node begins, and where it ends. */
function rangeOf(node: unknown): [number, number, number] | undefined {
  return (node as { range?: [number, number, number] } | null | undefined)?.range;
}

const UNKNOWN_ALIAS =
  'an alias (*…) has no anchor, or there are too many of them; write it out, or put a text that begins with * in quotes';
const DEEP = 'it is nested too deep, or an alias contains itself; write it out';

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
