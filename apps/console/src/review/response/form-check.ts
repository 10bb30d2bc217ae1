import type { Review } from '../../api/client';
import { schemaCheck } from '../../json/schema-check';
import { isObject, memberOf, parsed, type Json, type JsonSource } from '../../json/source';
import { textOf } from './answer';

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
