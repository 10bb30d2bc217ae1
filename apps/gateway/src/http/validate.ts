import { DomainError, isJsonObject, type FieldFault } from '@hitl/domain';
import { plainToInstance } from 'class-transformer';
import { getMetadataStorage, validateSync } from 'class-validator';
import { bodyRefused, parametersRefused } from './faults';
import { defaultsOf, ignoresUnknown } from './field';
import { itemTypeOf } from './list-fields';

type Class<T extends object> = new () => T;

/** {@link fieldsOf}, by class. */
const FIELDS = new WeakMap<Class<object>, Set<string>>();

/**
 * Checks a body against a class of `fields.ts`. Fields keep the very values that were sent: nothing is converted or
 * copied, so a payload stays what it was.
 * @throws DomainError `invalid_request` with a fault for every field, unknown ones included
 */
export function readBody<T extends object>(type: Class<T>, value: unknown): T {
  if (!isJsonObject(value)) {
    throw new DomainError('invalid_request', 'The body must be a JSON object.', [
      { pointer: '', detail: 'must be an object' },
    ]);
  }
  const faults: FieldFault[] = [];
  const instance = read(type, value, '', faults);
  if (faults.length > 0) throw bodyRefused(faults);
  return instance;
}

/** Adds what is wrong with the object at `at` to `faults`. */
function read<T extends object>(
  type: Class<T>,
  value: Record<string, unknown>,
  at: string,
  faults: FieldFault[],
): T {
  const known = fieldsOf(type);
  const instance = new type();
  for (const [key, inner] of Object.entries(value)) {
    if (known.has(key)) Object.assign(instance, { [key]: inner });
    else if (!ignoresUnknown(type)) {
      faults.push({
        pointer: at + pointerTo(key),
        detail: `there is no such field; known are ${[...known].join(', ')}`,
      });
    }
  }
  const wrong = checked(instance);
  for (const [name, detail] of wrong) faults.push({ pointer: at + pointerTo(name), detail });
  for (const [key, items] of Object.entries(instance)) {
    const itemType = itemTypeOf(instance, key);
    if (!itemType || wrong.has(key)) continue;
    const list = (items as unknown[]).map((item, index) => {
      const place = `${at}${pointerTo(key)}/${index}`;
      if (isJsonObject(item)) return read(itemType, item, place, faults);
      faults.push({ pointer: place, detail: 'must be an object' });
      return item;
    });
    Object.assign(instance, { [key]: list });
  }
  return instance;
}

/**
 * Reads the parameters of a query as a class of `fields.ts` declares them: each is given once, and becomes the value that
 * its text stands for.
 * @throws DomainError `invalid_request` with a fault for every parameter, unknown ones included
 */
export function readQuery<T extends object>(type: Class<T>, query: Record<string, unknown>): T {
  const known = fieldsOf(type);
  const faults = new Map<string, string>();
  const given: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(query)) {
    if (known.has(name) && !Array.isArray(value)) given[name] = value;
    else if (known.has(name)) faults.set(name, 'is given more than once');
    else if (!ignoresUnknown(type)) {
      const names = known.size > 0 ? [...known].join(', ') : 'none';
      faults.set(name, `there is no such parameter; known are ${names}`);
    }
  }
  const instance = plainToInstance(type, given);
  const wrong = known.size > 0 ? checked(instance) : [];
  for (const [name, detail] of wrong) if (!faults.has(name)) faults.set(name, detail);
  if (faults.size > 0) throw parametersRefused([...faults]);
  return instance;
}

/** The details of what is wrong with an object's fields, by their names. Fills in the defaults. */
function checked(instance: object): Map<string, string> {
  for (const [key, value] of Object.entries(defaultsOf(instance))) {
    if ((Reflect.get(instance, key) ?? null) === null) Object.assign(instance, { [key]: value });
  }
  const wrong = validateSync(instance, { forbidUnknownValues: true });
  return new Map(
    wrong.map(({ property, constraints }) => [property, Object.values(constraints ?? {}).join('; ')]),
  );
}

/** The fields that a class says something about. Asked here, since class-validator stumbles over `constructor`. */
function fieldsOf(type: Class<object>): Set<string> {
  let fields = FIELDS.get(type);
  if (!fields) {
    const rules = getMetadataStorage().getTargetValidationMetadatas(type, '', false, false);
    fields = new Set(rules.map((rule) => rule.propertyName));
    FIELDS.set(type, fields);
  }
  return fields;
}

function pointerTo(field: string): string {
  return `/${field.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
