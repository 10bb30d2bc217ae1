import { createHash } from 'node:crypto';
import { SandboxError, SANDBOXES } from '@hitl/sandbox';
import { DomainError, type FieldFault } from '../errors';
import { isJsonObject, type Json, type JsonText } from '../json';

/** Largest schema, in characters of JSON. */
const MAX_SCHEMA_LENGTH = 65_536;
/** The same as it was sent, white space included: a longer one is not even read. */
const MAX_SENT_LENGTH = 4 * MAX_SCHEMA_LENGTH;
/** How long a schema that took too long is not tried again, in milliseconds, and how many such are remembered. */
const SLOW_MS = 10_000;
const MAX_SLOW = 1000;

/** What a check has found. */
export interface SchemaFindings {
  faults: FieldFault[];
  /** Why nothing, or not everything, could be checked. */
  unchecked: string[];
  /** The schema, or the value, took more time than there is. */
  isTooSlow?: boolean;
}

/** When each schema that took too long may be tried again, by its hash. */
const slow = new Map<string, number>();

/**
 * Checks a JSON Schema (draft 2020-12) that a submitter sends with a job.
 * @param owner on whose behalf
 * @throws DomainError invalid_request naming what is wrong with it; unavailable
 */
export async function requireUsableSchema(json: JsonText, owner: string): Promise<void> {
  let detail: string;
  const schema = json.size > MAX_SENT_LENGTH ? {} : json.value;
  if (typeof schema !== 'boolean' && !isJsonObject(schema)) {
    detail = 'is no JSON Schema: send an object';
  } else if (json.size > MAX_SENT_LENGTH || JSON.stringify(schema).length > MAX_SCHEMA_LENGTH) {
    detail = `is longer than ${MAX_SCHEMA_LENGTH} characters`;
  } else {
    const fault = await SANDBOXES.schemas.run<string | null>('faultOfSchema', [schema], owner).catch(whyNot);
    if (fault === null) return;
    detail = `is no usable JSON Schema (2020-12): ${fault}`;
  }
  throw new DomainError('invalid_request', `response_schema: it ${detail}.`, [
    { pointer: '/response_schema', detail },
  ]);
}

/**
 * Checks a value against a schema, in a process of its own and within limits of time and memory. A schema that makes no
 * sense, is too large or takes too much finds no fault: what could not be checked is told apart.
 * @param at JSON pointer of the value, which the faults' pointers begin with
 * @param owner on whose behalf
 * @throws DomainError unavailable
 */
export async function checkSchema(
  schema: Json,
  value: Json,
  at: string,
  owner: string,
): Promise<SchemaFindings> {
  const text = JSON.stringify(schema);
  if (text.length > MAX_SCHEMA_LENGTH) {
    const why = `against its schema: it is longer than ${MAX_SCHEMA_LENGTH} characters`;
    return { faults: [], unchecked: [`could not be checked ${why}`] };
  }
  const key = createHash('sha256').update(text).digest('base64');
  if ((slow.get(key) ?? 0) > performance.now()) {
    return { faults: [], unchecked: ['could not be checked: its schema took too long a moment ago'] };
  }
  const findings = await SANDBOXES.checks
    .run<SchemaFindings>('checkSchema', [schema, value, at], owner)
    .catch((error: unknown): SchemaFindings => ({
      faults: [],
      unchecked: [`could not be checked: ${whyNot(error)}`],
      isTooSlow: true,
    }));
  if (findings.isTooSlow) {
    slow.set(key, performance.now() + SLOW_MS);
    const [oldest] = slow.keys();
    if (slow.size > MAX_SLOW && oldest !== undefined) slow.delete(oldest);
  } else slow.delete(key);
  return findings;
}

/** Why a task brought nothing. @throws DomainError unavailable where it never began; anything that is no such reason */
function whyNot(error: unknown): string {
  if (!(error instanceof SandboxError)) throw error;
  if (error.reason !== 'busy') return error.message;
  throw new DomainError(
    'unavailable',
    'Too many schemas and edits are being checked right now. Nothing has happened; try again in a few seconds.',
  );
}
