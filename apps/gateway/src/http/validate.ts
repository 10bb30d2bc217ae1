import { DomainError, isJsonObject, type FieldFault } from '@hitl/domain';
import { buildMessage, getMetadataStorage, ValidateBy, validateSync } from 'class-validator';

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
  const known = fieldsOf(type);
  const instance = new type();
  const faults: FieldFault[] = [];
  for (const [key, inner] of Object.entries(value)) {
    if (known.has(key)) Object.assign(instance, { [key]: inner });
    else
      faults.push({
        pointer: pointerTo(key),
        detail: `there is no such field; known are ${[...known].join(', ')}`,
      });
  }
  for (const { property, constraints } of validateSync(instance, { forbidUnknownValues: true })) {
    const detail = Object.values(constraints ?? { invalid: 'is not valid' }).join('; ');
    faults.push({ pointer: pointerTo(property), detail });
  }
  if (faults.length > 0) {
    const summary = faults.map((fault) => `${fault.pointer}: ${fault.detail}`).join('. ');
    throw new DomainError('invalid_request', `${summary}.`, faults);
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
