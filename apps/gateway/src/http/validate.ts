import { DomainError, isJsonObject, type FieldFault } from '@hitl/domain';
import { fieldsOf, ignoresUnknown, pointerTo, readObject, wrongIn } from '@hitl/shapes';
import { plainToInstance } from 'class-transformer';
import { bodyRefused, parametersRefused } from './faults';

type Class<T extends object> = new () => T;

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
  const body = readObject(type, value, [], {
    unknown: 'there is no such field',
    note: (path, detail) => faults.push({ pointer: pointerTo(path), detail }),
  });
  if (faults.length > 0) throw bodyRefused(faults);
  return body;
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
  const wrong = known.size > 0 ? wrongIn(instance) : [];
  for (const [name, detail] of wrong) if (!faults.has(name)) faults.set(name, detail);
  if (faults.size > 0) throw parametersRefused([...faults]);
  return instance;
}
