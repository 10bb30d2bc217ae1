import { actorName, DomainError, JOB_STATUSES, MAX_NAME_LENGTH, type JobStatus } from '@hitl/domain';

/** Entries that a list answers at most. */
export const MAX_PAGE = 200;
/** Entries that a list answers unless asked. */
export const DEFAULT_PAGE = 50;
/** Entries that an offset may pass over: beyond, the database would read them all for nothing. */
export const MAX_OFFSET = 1_000_000;
/** Characters of a model's, a rule's or a group's name. */
const MAX_FILTERED_NAME_LENGTH = 200;
/** The database knows no offsets of 16 hours and more. */
const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-](0\d|1[0-5]):\d\d)$/;

export type Query = Record<string, string | string[] | undefined>;

/** Refuses parameters that are not in `known`, and any that is given twice. */
export function onlyParameters(query: Query, known: readonly string[]): void {
  for (const [name, value] of Object.entries(query)) {
    if (!known.includes(name)) {
      throw fault(name, `there is no such parameter; known are ${known.join(', ')}`);
    }
    if (Array.isArray(value)) throw fault(name, 'is given more than once');
  }
}

export function limitParameter(query: Query, usual = DEFAULT_PAGE, largest = MAX_PAGE): number {
  return wholeNumber(query, 'limit', usual, 1, largest);
}

export function offsetParameter(query: Query): number {
  return wholeNumber(query, 'offset', 0, 0, MAX_OFFSET);
}

/** In any letter case; undefined when not given. */
export function statusParameter(query: Query): JobStatus | undefined {
  const text = single(query, 'status');
  if (text === undefined) return undefined;
  const status = JOB_STATUSES.find((candidate) => candidate === text.toLowerCase());
  if (!status) throw fault('status', `${quote(text)} is not one of ${JOB_STATUSES.join(', ')}`);
  return status;
}

/** A moment as RFC 3339 writes it, from 1970 to 9999; undefined when not given. */
export function timeParameter(query: Query, name: string): Date | undefined {
  const given = single(query, name);
  if (given === undefined) return undefined;
  // A plus that was not encoded arrives as a blank.
  const text = given.replace(/ (?=\d\d:\d\d$)/, '+').toUpperCase();
  if (!isTime(text)) {
    throw fault(
      name,
      `${quote(given)} is not a time from 1970 on as RFC 3339 writes it, such as 2026-01-31T09:00:00Z`,
    );
  }
  return new Date(text);
}

/** Whether a text is a moment as RFC 3339 writes it, from 1970 to 9999, that the database knows, too. */
export function isTime(text: string): boolean {
  const time = Date.parse(RFC_3339.test(text) ? text : '');
  if (!(time >= 0 && time < Date.UTC(10_000, 0))) return false;
  // Date takes 30 February for 2 March.
  const day = text.slice(0, 10);
  return new Date(`${day}T00:00:00Z`).toISOString().startsWith(day);
}

/** How the OpenAPI document describes a {@link nameParameter}. */
export const NAME = {
  required: false,
  schema: { type: 'string', minLength: 1, maxLength: MAX_FILTERED_NAME_LENGTH },
} as const;

/** A name of 1 to 200 characters; undefined when not given. */
export function nameParameter(query: Query, name: string): string | undefined {
  const text = single(query, name);
  if (text === undefined) return undefined;
  if (text === '' || text.length > MAX_FILTERED_NAME_LENGTH || text.includes('\0')) {
    throw fault(name, `${quote(text)} is not a name of 1 to ${MAX_FILTERED_NAME_LENGTH} characters`);
  }
  return text;
}

/** How the OpenAPI document describes a {@link personParameter}. */
export const PERSON = {
  required: false,
  schema: { type: 'string', minLength: 1, maxLength: MAX_NAME_LENGTH },
} as const;

/** The name of a person as it is kept, or one that the system acts under; undefined when not given. */
export function personParameter(query: Query, name: string): string | undefined {
  const text = single(query, name);
  if (text === undefined) return undefined;
  const actor = actorName(text);
  if (actor === null) {
    throw fault(
      name,
      `${quote(text)} is nobody's name: names have 1 to ${MAX_NAME_LENGTH} characters, and none that nobody sees`,
    );
  }
  return actor;
}

/** One of the values; undefined when not given. */
export function choiceParameter<T extends string>(
  query: Query,
  name: string,
  values: readonly T[],
): T | undefined {
  const text = single(query, name);
  if (text === undefined) return undefined;
  const choice = values.find((value) => value === text);
  if (!choice) throw fault(name, `${quote(text)} is not one of ${values.join(', ')}`);
  return choice;
}

/** Whether it is `true`; false when not given. */
export function flagParameter(query: Query, name: string): boolean {
  const text = single(query, name) ?? 'false';
  if (text !== 'true' && text !== 'false') throw fault(name, `${quote(text)} is neither true nor false`);
  return text === 'true';
}

/** An opaque position in a list: base64url of JSON. */
export function encodeCursor(position: unknown): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

/** The position that `isPosition` recognises; undefined when not given. */
export function cursorParameter<T>(query: Query, isPosition: (value: unknown) => value is T): T | undefined {
  const text = single(query, 'cursor');
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    if (isPosition(value)) return value;
  } catch {
    // Falls through: not a cursor.
  }
  throw fault('cursor', `${quote(text)} is not a cursor of this list; take next_cursor as it was answered`);
}

/** The one value of a parameter. */
export function single(query: Query, name: string): string | undefined {
  const value = query[name];
  if (Array.isArray(value)) throw fault(name, 'is given more than once');
  return value;
}

/** A number from `min` to `max`; `usual` when not given. */
export function wholeNumber<Usual>(
  query: Query,
  name: string,
  usual: Usual,
  min: number,
  max: number,
): number | Usual {
  const text = single(query, name);
  if (text === undefined) return usual;
  const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
  if (!(value >= min && value <= max)) {
    throw fault(name, `${quote(text)} is not a whole number from ${min} to ${max}`);
  }
  return value;
}

/** Enough of what was sent to recognise it. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);
}

/** A refusal that names a parameter. */
export function fault(name: string, detail: string): DomainError {
  return new DomainError('invalid_request', `${quote(name)}: ${detail}.`, [
    { pointer: name.slice(0, 64), detail },
  ]);
}
