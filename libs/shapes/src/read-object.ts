import { getMetadataStorage, validateSync } from 'class-validator';
import { defaultsOf, heldBy, ignoresUnknown, type Held } from './field';
import { isObject } from './kinds';

type Class<T extends object> = new () => T;

/** The keys from the root of a body or file to one of its values. */
export type Path = (string | number)[];

/** Where faults go. */
export interface Reading {
  /** Takes each fault: its place, and what is wrong there. */
  note: (path: Path, detail: string) => void;
  /** What is said of a field that the class does not have, before those that it has. */
  unknown: string;
}

/** {@link fieldsOf}, by class. */
const FIELDS = new WeakMap<Class<object>, Set<string>>();

/**
 * Checks an object against a class whose fields have decorators of class-validator, `field` among them. Nothing is
 * converted or copied: the instance has the very values that were given. A field with a fault is undefined in it, and an
 * object within that is none has undefined fields alone.
 */
export function readObject<T extends object>(type: Class<T>, value: object, path: Path, to: Reading): T {
  const known = fieldsOf(type);
  const instance = new type();
  const given: [string, unknown][] = Object.entries(value);
  for (const [key, inner] of given) {
    if (known.has(key)) Object.assign(instance, { [key]: inner });
    else if (!ignoresUnknown(type)) {
      to.note([...path, key], `${to.unknown}; known are ${[...known].join(', ')}`);
    }
  }
  for (const [key, detail] of wrongIn(instance)) {
    to.note([...path, key], detail);
    Object.assign(instance, { [key]: undefined });
  }
  const fields: [string, unknown][] = Object.entries(instance);
  for (const [key, inner] of fields) {
    const held = heldBy(instance, key);
    if (held && (inner ?? null) !== null) {
      Object.assign(instance, { [key]: readHeld(held, inner, [...path, key], to) });
    }
  }
  return instance;
}

function readHeld({ as, type }: Held, value: unknown, path: Path, to: Reading): unknown {
  const read = (inner: unknown, at: Path): object => {
    if (isObject(inner)) return readObject(type, inner, at, to);
    to.note(at, 'must be an object');
    return new type();
  };
  if (as === 'object') return read(value, path);
  if (as === 'items') return (value as unknown[]).map((item, index) => read(item, [...path, index]));
  const entries = Object.entries(value as object);
  return Object.fromEntries(entries.map(([name, item]) => [name, read(item, [...path, name])]));
}

/** What is wrong with an object's fields, by their names. Fills in the defaults. */
export function wrongIn(instance: object): Map<string, string> {
  for (const [key, value] of Object.entries(defaultsOf(instance))) {
    if ((Reflect.get(instance, key) ?? null) === null) Object.assign(instance, { [key]: value });
  }
  const wrong = validateSync(instance, { forbidUnknownValues: true });
  return new Map(
    wrong.map(({ property, constraints }) => [property, Object.values(constraints ?? {}).join('; ')]),
  );
}

/** The fields that a class says something about. Asked here, since class-validator stumbles over `constructor`. */
export function fieldsOf(type: Class<object>): Set<string> {
  let fields = FIELDS.get(type);
  if (!fields) {
    const rules = getMetadataStorage().getTargetValidationMetadatas(type, '', false, false);
    fields = new Set(rules.map((rule) => rule.propertyName));
    FIELDS.set(type, fields);
  }
  return fields;
}

/** A path as a JSON pointer (RFC 6901). */
export function pointerTo(path: Path): string {
  return path.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
