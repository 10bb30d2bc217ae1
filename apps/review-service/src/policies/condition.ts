import { Environment, EvaluationError, type ParseResult } from '@marcbachmann/cel-js';
import type { Json, Usage } from '@hitl/domain';
import { stopsSoFar } from '@hitl/sandbox';
import { RE2JS } from 're2js';

/** What a condition can look at. */
export interface Facts {
  payload: Json;
  response: Json;
  metadata: Record<string, string>;
  usage: Usage | null;
  model: string | null;
  project: string;
}

/** Longest condition, in characters. */
export const MAX_CONDITION_LENGTH = 10_000;
/** A text or a list that grows beyond, in characters or entries, ends the condition: time alone does not bound memory. */
const MAX_TEXT_LENGTH = 4_194_304;
const MAX_LIST_LENGTH = 1_048_576;
/** Looking for one text in another may take as many steps as both lengths multiplied, and nothing can stop it meanwhile. */
const MAX_SEARCH_STEPS = 200_000_000;
const SEARCHES: readonly unknown[] = ['contains', 'indexOf', 'lastIndexOf', 'split'];
/** Regular expressions that are kept compiled. */
const MAX_EXPRESSIONS = 200;

/** The condition cannot be read as CEL. */
export class ConditionSyntaxError extends Error {
  override name = 'ConditionSyntaxError';
}

/** The condition could not be answered. The message is the kind of error, and never holds what a job holds. */
export class ConditionFailure extends Error {
  override name = 'ConditionFailure';
}

export interface ExpressionSize {
  characters: number;
  instructions: number;
}

/** A rule's condition, in CEL (https://cel.dev). Numbers of a job are doubles, as JSON has them. */
export class Condition {
  /** What is wrong with it as far as that can be told without a job, such as an unknown name. Met, it is an error. */
  readonly warning: string | null;
  /** What reading its regular expressions takes, as far as they are written out: characters, and instructions. */
  readonly expressions: ExpressionSize;
  private program: ParseResult;
  private stops = stopsSoFar();

  /** @throws ConditionSyntaxError */
  constructor(readonly text: string) {
    const { program, warning, expressions } = compile(text);
    this.program = program;
    this.warning = warning;
    this.expressions = expressions;
  }

  /** @throws ConditionFailure; anything else that runs out, such as the stack */
  holds(facts: Facts): boolean {
    // A program keeps its state in itself; one that was stopped may be anywhere.
    if (this.stops !== stopsSoFar()) {
      this.stops = stopsSoFar();
      expressions.clear();
      this.program = compile(this.text).program;
    }
    let value: unknown;
    try {
      value = this.program({ ...facts, usage: facts.usage ?? {}, model: facts.model ?? '' });
    } catch (error) {
      throw new ConditionFailure(kindOf(error));
    }
    if (typeof value !== 'boolean') throw new ConditionFailure('neither true nor false');
    return value;
  }
}

/** In words where there are better ones than the library's code. */
const KINDS: Record<string, string> = {
  unknown_variable: 'unknown name',
  no_such_key: 'missing field',
  no_such_overload: 'wrong type',
  no_matching_overload: 'wrong type or unknown function',
  index_out_of_bounds: 'index out of bounds',
};

function kindOf(error: unknown): string {
  // The message may quote a job's values; the code is the library's own, the name JavaScript's.
  const { code, name } = error as { code?: unknown; name?: unknown };
  if (typeof code === 'string') return KINDS[code] ?? code.replaceAll('_', ' ');
  return typeof name === 'string' ? name : 'error';
}

function failure(code: string): EvaluationError {
  return new EvaluationError({ code, message: code });
}

const expressions = new Map<string, RE2JS>();

/** As CEL has it: RE2's syntax, linear time, true where any part of the text matches. */
function matches(text: string, expression: string): boolean {
  let compiled = expressions.get(expression);
  if (!compiled) {
    if (expressions.size >= MAX_EXPRESSIONS) expressions.clear();
    try {
      compiled = RE2JS.compile(expression);
    } catch {
      throw failure('invalid_regular_expression');
    }
    expressions.set(expression, compiled);
  }
  return compiled.test(text);
}

/** The name that `text.matches(…)` is given: the library's own function of that name is a backtracking RegExp. */
const MATCHES = 'matches_re2';

const environment = new Environment({ limits: { maxAstNodes: 2000, maxDepth: 60 } })
  .registerVariable('payload', 'dyn')
  .registerVariable('response', 'dyn')
  .registerVariable('metadata', 'map<string, string>')
  .registerVariable('usage', 'dyn')
  .registerVariable('model', 'string')
  .registerVariable('project', 'string')
  .registerFunction(`string.${MATCHES}(string): bool`, matches, { async: false })
  .registerFunction('matches(string, string): bool', matches, { async: false });

/** Where CEL knows arithmetic on equal types only, JSON's numbers meet the integers that authors write. */
const ARITHMETIC: Record<string, (a: number, b: number) => number> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
};
for (const [operator, compute] of Object.entries(ARITHMETIC)) {
  const handler = (a: number | bigint, b: number | bigint): number => compute(Number(a), Number(b));
  environment.registerOperator(`double ${operator} int: double`, handler);
  environment.registerOperator(`int ${operator} double: double`, handler);
}
environment.registerOperator('double % double: double', (a: number, b: number) => a % b);

/** What is used of the library's syntax tree. */
interface Node {
  op: string;
  args: unknown;
  /** Set by the type check: computes the node's value from those of its parts. */
  handle?: (...args: unknown[]) => unknown;
}

function compile(text: string): {
  program: ParseResult;
  warning: string | null;
  expressions: ExpressionSize;
} {
  let program: ParseResult;
  try {
    program = environment.parse(text);
  } catch (error) {
    throw new ConditionSyntaxError(summaryOf(error));
  }
  const nodes = nodesIn(program.ast);
  const expressions = { characters: 0, instructions: 0 };
  for (const { op, args } of nodes) {
    if (!isCall(op, args) || args[0] !== 'matches') continue;
    if (op === 'rcall') args[0] = MATCHES;
    const [pattern, instructions] = requireExpression(args);
    expressions.characters += pattern.length;
    expressions.instructions += instructions;
  }
  const { valid, type, error } = program.check();
  for (const node of nodes) boundResult(node);
  if (!valid) return { program, expressions, warning: summaryOf(error).replaceAll(MATCHES, 'matches') };
  if (type !== 'bool' && type !== 'dyn') {
    return { program, expressions, warning: `It is neither true nor false but ${String(type)}` };
  }
  return { program, expressions, warning: null };
}

/**
 * The regular expression that is written out, and how many instructions it has; nothing for one that is computed.
 * @throws ConditionSyntaxError where it is none
 */
function requireExpression(args: unknown[]): [pattern: string, instructions: number] {
  const pattern = (args.at(-1) as Node[]).at(-1);
  if (pattern?.op !== 'value' || typeof pattern.args !== 'string') return ['', 0];
  try {
    return [pattern.args, RE2JS.compile(pattern.args).programSize()];
  } catch (error) {
    throw new ConditionSyntaxError(`${(error as Error).message}; see RE2's syntax`);
  }
}

/** Every node that its author wrote; macros such as `all` work on the same ones. */
function nodesIn(part: unknown): Node[] {
  if (Array.isArray(part)) return part.flatMap(nodesIn);
  if (typeof part !== 'object' || part === null || !('op' in part) || !('args' in part)) return [];
  return [part as Node, ...nodesIn(part.args)];
}

function isCall(op: string, args: unknown): args is unknown[] {
  return (op === 'call' || op === 'rcall') && Array.isArray(args);
}

/** Makes a node that can build a text or a list fail where it builds too large a one, and one that searches too much. */
function boundResult(node: Node): void {
  const { op, args, handle } = node;
  if (!handle || !(op === '+' || isCall(op, args))) return;
  const joins = isCall(op, args) && args[0] === 'join';
  const searches = isCall(op, args) && SEARCHES.includes(args[0]);
  node.handle = (...given) => {
    if (searches) requireShortSearch(given[0] as unknown[]);
    // Joining makes the whole text in one go.
    if (joins) requireShort(joinedLength(given[0] as unknown[]), MAX_TEXT_LENGTH);
    const result = handle(...given);
    if (typeof result === 'string' || result instanceof Uint8Array)
      requireShort(result.length, MAX_TEXT_LENGTH);
    else if (Array.isArray(result)) requireShort(result.length, MAX_LIST_LENGTH);
    return result;
  };
}

function joinedLength([list, separator = '']: unknown[]): number {
  if (!Array.isArray(list)) return 0;
  return list.reduce<number>((sum, text) => sum + String(text).length + String(separator).length, 0);
}

function requireShortSearch([text, part]: unknown[]): void {
  if (typeof text !== 'string' || typeof part !== 'string') return;
  if (text.length * part.length > MAX_SEARCH_STEPS) throw failure('text_search_too_long');
}

function requireShort(length: number, most: number): void {
  if (length > most) throw failure('text_or_list_too_large');
}

/** The library's message without the drawing of the place. */
function summaryOf(error: unknown): string {
  const { summary, range } = error as { summary?: string; range?: { start: number } };
  const at = range ? ` at character ${range.start + 1}` : '';
  return `${summary ?? (error as Error).message}${at}`;
}
