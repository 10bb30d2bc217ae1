import { Validator, type Schema } from '@cfworker/json-schema';
import type { Json, Review } from '../../api/client';
import { memberOf, parsed, type JsonSource } from '../../json/source';
import { isObject, textOf } from './answer';

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

type Asked = Pick<Review, 'response_schema' | 'payload'>;

/**
 * How a response breaks the form that its request asks for, as far as a page can tell: the job's schema, or the format
 * of the text. null: it does not.
 */
export function formFault({ response_schema, payload }: Asked, response: JsonSource): string | null {
  const schema = response_schema as Json;
  if (schema !== null) {
    const [fault] = schemaCheck(schema)(parsed(response));
    if (fault) return `${fault.pointer === '' ? '' : `${fault.pointer}: `}${fault.message}`;
  }
  const format = formatOf(payload);
  const text = textOf(response);
  if (!format || text === null) return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'it must be JSON.';
  }
  if (format.schema === undefined) return isObject(value) ? null : 'it must be a JSON object.';
  const [fault] = schemaCheck(format.schema)(value);
  return fault ? `${fault.pointer === '' ? '' : `${fault.pointer}: `}${fault.message}` : null;
}

/** The JSON that a request wants as the answer's text; null: any text. */
function formatOf(payload: JsonSource | null): { schema?: Json } | null {
  if (payload === null) return null;
  const [chat, text] = ['response_format', 'text'].map((name) => {
    const member = memberOf(payload, name);
    return member && parsed(member.json);
  });
  const wanted = [chat, isObject(text) ? text.format : undefined].find(isObject);
  if (wanted?.type === 'json_object') return {};
  if (wanted?.type !== 'json_schema') return null;
  const schema = isObject(wanted.json_schema) ? wanted.json_schema.schema : wanted.schema;
  return schema === undefined ? {} : { schema: schema as Json };
}
