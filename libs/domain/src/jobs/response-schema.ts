import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { RE2JS } from 're2js';
import { runBounded, TimeLimitError } from '../bounded';
import { DomainError, type FieldFault } from '../errors';
import type { Json } from '../json';

/** Largest schema, in characters of JSON. */
const LARGEST_SCHEMA = 65_536;
/** Longest time to read a schema, and to check a response, in milliseconds. */
const LONGEST_READ = 500;
const LONGEST_CHECK = 500;
/** How often either may begin anew, where it was stopped while the machine did something else. */
const MOST_RUNS = 3;
/** Faults of a response that are told at most. */
const MOST_FAULTS = 20;

/** Submitters write the patterns: RE2 has none that take for ever. */
function linearRegExp(pattern: string): { test(text: string): boolean; toString(): string } {
  const compiled = RE2JS.compile(pattern);
  // Ajv keeps compiled patterns by their text.
  return { test: (text) => compiled.matcher(text).find(), toString: () => pattern };
}
linearRegExp.code = 'require("re2js").RE2JS.compile';

function compile(schema: Json): ValidateFunction {
  // Unknown keywords and formats are notes to the reader, as the specification has it.
  const options = {
    strict: false,
    validateFormats: false,
    allErrors: false,
    logger: false,
    code: { regExp: linearRegExp },
  } as const;
  return runBounded(LONGEST_READ, () => new Ajv2020(options).compile(schema as object | boolean), MOST_RUNS);
}

/**
 * Checks a JSON Schema (draft 2020-12) that a submitter sends with a job.
 * @throws DomainError invalid_request naming what is wrong with it
 */
export function requireUsableSchema(schema: Json): void {
  let detail: string;
  if (
    typeof schema !== 'boolean' &&
    (typeof schema !== 'object' || schema === null || Array.isArray(schema))
  ) {
    detail = 'is no JSON Schema: send an object';
  } else if (JSON.stringify(schema).length > LARGEST_SCHEMA) {
    detail = `is longer than ${LARGEST_SCHEMA} characters`;
  } else {
    try {
      compile(schema);
      return;
    } catch (error) {
      detail = `is no usable JSON Schema (2020-12): ${(error as Error).message.slice(0, 300)}`;
    }
  }
  throw new DomainError('invalid_request', `response_schema: it ${detail}.`, [
    { pointer: '/response_schema', detail },
  ]);
}

/**
 * Checks a response against the schema of its job.
 * @throws DomainError schema_mismatch naming where and how it breaks the schema
 */
export function requireSchema(schema: Json, response: Json): void {
  const faults = faultsOf(schema, response);
  if (faults.length === 0) return;
  const told = faults.map(({ pointer, detail }) => `${pointer || 'the response'}: ${detail}`).join('; ');
  throw new DomainError(
    'schema_mismatch',
    `The response breaks the job's response_schema: ${told}. Nothing was decided; correct it, then decide again.`,
    faults,
  );
}

function faultsOf(schema: Json, response: Json): FieldFault[] {
  try {
    const validate = compile(schema);
    const valid = runBounded(LONGEST_CHECK, () => validate(response), MOST_RUNS);
    return valid ? [] : (validate.errors ?? []).slice(0, MOST_FAULTS).map(toFault);
  } catch (error) {
    if (!(error instanceof TimeLimitError)) throw error;
    return [{ pointer: '/response', detail: `could not be checked within ${LONGEST_CHECK} ms` }];
  }
}

function toFault({ instancePath, message, params }: ErrorObject): FieldFault {
  const more = 'additionalProperty' in params ? ` (${String(params.additionalProperty)})` : '';
  return {
    pointer: `/response${instancePath}`.slice(0, 500),
    detail: `${message ?? 'is not valid'}${more}`.slice(0, 500),
  };
}
