import Ajv2020 from 'ajv/dist/2020.js';

export type Schema = Record<string, any>;

const FORMATS: Record<string, RegExp> = {
  uri: /^https?:\/\/\S+$/,
  'uri-reference': /^\/\S+$/,
  uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/,
};

/**
 * Says what is wrong with a value: one line for each fault, none when it fits. Stricter than the schemas: an object may
 * have no property that its schema does not name, since a client could not know of it.
 * @param schemas the document's `components.schemas`
 */
export function faultsBy(schemas: Record<string, Schema>): (value: unknown, schema: Schema) => string[] {
  const ajv = new Ajv2020({ strict: true, strictRequired: false, allowUnionTypes: true, allErrors: true });
  for (const keyword of ['components', 'discriminator', 'example']) ajv.addKeyword(keyword);
  for (const [name, format] of Object.entries(FORMATS)) ajv.addFormat(name, format);
  ajv.addSchema({ $id: 'document', components: { schemas: closed(schemas) } });
  return (value, schema) => {
    const absolute = JSON.parse(
      JSON.stringify(schema).replaceAll('"#/components/', '"document#/components/'),
    );
    ajv.validate(closed(absolute), value);
    return (ajv.errors ?? []).map(
      ({ instancePath, message, params }) => `${instancePath}: ${message} ${JSON.stringify(params)}`,
    );
  };
}

/** The schema, and all below it, with no property beside those that it names. */
function closed(schema: any): any {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  const isObject = 'type' in schema && 'properties' in schema && !('additionalProperties' in schema);
  return isObject ? { ...inner, additionalProperties: false } : inner;
}
