import { createHash } from 'node:crypto';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { isJsonObject, type FieldFault, type Json, type SchemaFindings } from '@hitl/domain';
import { runBounded, TimeLimitError } from '@hitl/sandbox';
import { RE2JS } from 're2js';

/** Longest time to read a schema, and to check a response, in milliseconds. */
const READ_TIMEOUT_MS = 500;
const CHECK_TIMEOUT_MS = 500;
const TOO_SLOW = `could not be checked within ${CHECK_TIMEOUT_MS} ms`;
/** How often either may begin anew, where it was stopped while the machine did something else. */
const MAX_RUNS = 3;
/** Faults of a response that are told at most, and characters of each one's parts. */
const MAX_FAULTS = 20;
const MAX_FAULT_LENGTH = 500;
/** Schemas that are kept ready: most jobs of a client have one in common. */
const MAX_READY = 64;

/** A schema that is ready to check with. */
interface Ready {
  validate: ValidateFunction;
  /** Patterns that no linear expression can say, and that are therefore not checked. */
  unchecked: string[];
}

const ready = new Map<string, Ready>();

/** Unknown keywords and formats are notes to the reader, as the specification has it. */
const OPTIONS = { strict: false, validateFormats: false, allErrors: false, logger: false } as const;
/** What makes a schema one. */
const RULES = { current: new Ajv2020(OPTIONS), older: new Ajv(OPTIONS) };

/** Submitters write the patterns: RE2 has none that take for ever. */
function compile(schema: Json, onUnusablePattern?: (pattern: string) => void): ValidateFunction {
  const linearRegExp = (pattern: string): { test(text: string): boolean; toString(): string } => {
    try {
      const compiled = RE2JS.compile(pattern);
      // Ajv keeps compiled patterns by their text.
      return { test: (text) => compiled.matcher(text).find(), toString: () => pattern };
    } catch (error) {
      if (!onUnusablePattern) throw error;
      onUnusablePattern(pattern);
      return { test: () => true, toString: () => pattern };
    }
  };
  linearRegExp.code = 'require("re2js").RE2JS.compile';
  const options = { ...OPTIONS, code: { regExp: linearRegExp }, meta: false, validateSchema: false } as const;
  // Many clients still write draft 7; what they say of the draft is no address to go to.
  const { $schema: draft = '', ...rest } = isJsonObject(schema) ? schema : {};
  const isOlder = typeof draft === 'string' && /draft-0[67]/.test(draft);
  const own = isJsonObject(schema) ? rest : (schema as boolean);
  const rules = isOlder ? RULES.older : RULES.current;
  // Reads the rules for schemas once: that takes longer than most schemas, and no submitter has written them.
  void rules.validateSchema({});
  return runBounded(
    READ_TIMEOUT_MS,
    () => {
      if (!rules.validateSchema(own)) throw new Error(`schema is invalid: ${rules.errorsText()}`);
      return (isOlder ? new Ajv(options) : new Ajv2020(options)).compile(own);
    },
    MAX_RUNS,
  );
}

/** What is wrong with a JSON Schema (draft 2020-12) as a submitter sends it with a job; null: it can be used. */
export function faultOfSchema(schema: Json): string | null {
  const key = keyOf(schema);
  if (ready.get(key)?.unchecked.length === 0) return null;
  try {
    const validate = compile(schema);
    // One that refers to itself without end is read without complaint, and then checks nothing.
    runBounded(CHECK_TIMEOUT_MS, () => validate(null), MAX_RUNS);
    keep(key, { validate, unchecked: [] });
    return null;
  } catch (error) {
    return (error as Error).message.slice(0, 300);
  }
}

/**
 * Checks a value against a schema, within a time limit. A schema that makes no sense or takes too long finds no fault:
 * what could not be checked is told apart.
 * @param at JSON pointer of the value, which the faults' pointers begin with
 */
export function checkSchema(schema: Json, value: Json, at: string): SchemaFindings {
  const key = keyOf(schema);
  try {
    const { validate, unchecked } = readied(key, schema);
    const isValid = runBounded(CHECK_TIMEOUT_MS, () => validate(value), MAX_RUNS);
    const faults = isValid
      ? []
      : (validate.errors ?? []).slice(0, MAX_FAULTS).map((error) => toFault(error, at));
    return { faults, unchecked: unchecked.map((pattern) => `the pattern ${pattern} cannot be checked`) };
  } catch (error) {
    // What was stopped in the middle may be half-changed.
    ready.delete(key);
    if (error instanceof TimeLimitError) return { faults: [], unchecked: [TOO_SLOW], isTooSlow: true };
    const why = `against its schema: ${(error as Error).message.slice(0, 300)}`;
    return { faults: [], unchecked: [`could not be checked ${why}`] };
  }
}

function keyOf(schema: Json): string {
  return createHash('sha256').update(JSON.stringify(schema)).digest('base64');
}

function readied(key: string, schema: Json): Ready {
  const unchecked = new Set<string>();
  const found = ready.get(key) ?? {
    validate: compile(schema, (pattern) => unchecked.add(pattern.slice(0, 100))),
    unchecked: [...unchecked].slice(0, MAX_FAULTS),
  };
  keep(key, found);
  return found;
}

/** The one that was used longest ago goes first. */
function keep(key: string, schema: Ready): void {
  ready.delete(key);
  ready.set(key, schema);
  const [oldest] = ready.keys();
  if (ready.size > MAX_READY && oldest !== undefined) ready.delete(oldest);
}

function toFault({ instancePath, message, params }: ErrorObject, at: string): FieldFault {
  const { additionalProperty, allowedValues, allowedValue } = params as Record<string, unknown>;
  const more = [additionalProperty, allowedValues, allowedValue].find((one) => one !== undefined);
  const told = more === undefined ? '' : ` (${typeof more === 'string' ? more : JSON.stringify(more)})`;
  return {
    pointer: `${at}${instancePath}`.slice(0, MAX_FAULT_LENGTH),
    detail: `${message ?? 'is not valid'}${told}`.slice(0, MAX_FAULT_LENGTH),
  };
}
