import { DomainError, isJsonObject, type FieldFault } from '@hitl/domain';
import { buildMessage, getMetadataStorage, ValidateBy, validateSync } from 'class-validator';

/** Faults that one answer tells at most. */
const MAX_FAULTS = 20;

/**
 * Checks a body or query against a class of class-validator's. Fields keep the very values that were sent: nothing
 * is converted or copied, so a payload stays what it was.
 * @throws DomainError `invalid_request` with a fault for every field, unknown ones included
 */
export function validate<T extends object>(type: new () => T, value: unknown): T {
  if (!isJsonObject(value)) {
    throw new DomainError('invalid_request', 'The body must be a JSON object.', [
      { pointer: '', detail: 'must be an object' },
    ]);
  }
  const faults: FieldFault[] = [];
  const instance = read(type, value, '', faults);
  if (faults.length > 0) {
    const told = faults.slice(0, MAX_FAULTS);
    const summary = told.map((fault) => `${fault.pointer}: ${fault.detail}`).join('. ');
    throw new DomainError('invalid_request', `${summary}.`, told);
  }
  return instance;
}

/** Adds what is wrong with the object at `at` to `faults`. */
function read<T extends object>(
  type: new () => T,
  value: Record<string, unknown>,
  at: string,
  faults: FieldFault[],
): T {
  const known = fieldsOf(type);
  const instance = new type();
  for (const [key, inner] of Object.entries(value)) {
    if (known.has(key)) Object.assign(instance, { [key]: inner });
    else
      faults.push({
        pointer: at + pointerTo(key),
        detail: `there is no such field; known are ${[...known].join(', ')}`,
      });
  }
  const wrong = validateSync(instance, { forbidUnknownValues: true });
  for (const { property, constraints } of wrong) {
    const detail = Object.values(constraints ?? { invalid: 'is not valid' }).join('; ');
    faults.push({ pointer: at + pointerTo(property), detail });
  }
  for (const [key, items] of Object.entries(instance)) {
    const itemType = itemTypeOf(instance, key);
    if (!itemType || wrong.some(({ property }) => property === key)) continue;
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

/** The fields that a class says something about. Asked here, since class-validator stumbles over `constructor`. */
function fieldsOf(type: new () => object): Set<string> {
  const rules = getMetadataStorage().getTargetValidationMetadatas(type, '', false, false);
  return new Set(rules.map((rule) => rule.propertyName));
}

function pointerTo(field: string): string {
  return `/${field.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** The field is there; any JSON value will do, null included. */
export function IsPresent(): PropertyDecorator {
  return ValidateBy({
    name: 'isPresent',
    validator: {
      validate: (value) => value !== undefined,
      defaultMessage: buildMessage((each) => `${each}$property is missing`),
    },
  });
}

const ITEM_TYPE = Symbol('item type');

/** A list of 1 to `max` objects of a class, each checked as a body is: a fault's pointer names its place in the list. */
export function IsListOf(type: new () => object, max: number): PropertyDecorator {
  const isList = ValidateBy({
    name: 'isListOf',
    validator: {
      validate: (value) => Array.isArray(value) && value.length >= 1 && value.length <= max,
      defaultMessage: buildMessage((each) => `${each}$property must be a list of 1 to ${max}`),
    },
  });
  return (target, key) => {
    Reflect.defineMetadata(ITEM_TYPE, type, target, key);
    isList(target, key);
  };
}

function itemTypeOf(instance: object, key: string): (new () => object) | undefined {
  return Reflect.getMetadata(ITEM_TYPE, instance, key) as (new () => object) | undefined;
}

/** An object whose values are texts. At most 64 entries, keys up to 64 and values up to 1,024 characters. */
export function IsMetadata(): PropertyDecorator {
  return ValidateBy({
    name: 'isMetadata',
    validator: {
      validate: (value) =>
        isJsonObject(value) &&
        Object.keys(value).length <= 64 &&
        Object.entries(value).every(
          ([key, text]) => key.length <= 64 && typeof text === 'string' && text.length <= 1024,
        ),
      defaultMessage: buildMessage(
        (each) =>
          `${each}$property must be an object of texts: at most 64 entries, keys up to 64 and values up to 1024 characters`,
      ),
    },
  });
}
