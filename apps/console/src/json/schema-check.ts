import { Validator, type Schema } from '@cfworker/json-schema';
import type { Json } from './source';

/** Where a value does not fit a schema: a JSON pointer, and what is wrong there. */
export interface SchemaFault {
  pointer: string;
  message: string;
}

/** Checks values against a schema. Answers nothing where the schema is none: the server has the last word. */
export function schemaCheck(schema: Json): (value: unknown) => SchemaFault[] {
  let validator: Validator;
  try {
    // It interprets the schema: the page may not compile code.
    validator = new Validator(schema as Schema, '2020-12', false);
  } catch {
    return () => [];
  }
  return (value) => {
    const { errors } = validator.validate(value);
    // A fault is repeated for each value around it: the innermost says it.
    const outer = new Set(errors.flatMap(({ instanceLocation }) => around(instanceLocation)));
    return errors
      .filter(({ instanceLocation }) => !outer.has(instanceLocation))
      .map(({ instanceLocation, error }) => ({
        pointer: instanceLocation.replace(/^#/, ''),
        message: error,
      }));
  };
}

/** The JSON pointers of the values around the one that a pointer names. */
function around(pointer: string): string[] {
  const parts = pointer.split('/');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'));
}
