/** A schema of OpenAPI 3.0, as far as this API uses it. */
export interface Schema {
  $ref?: string;
  allOf?: Schema[];
  type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  nullable?: boolean;
  enum?: unknown[];
  format?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: Schema | true;
  oneOf?: Schema[];
}

const UNDERSTOOD = new Set(
  (
    '$ref allOf type nullable enum format minimum maximum minLength maxLength minItems maxItems items properties required ' +
    'additionalProperties oneOf description example default'
  ).split(' '),
);

const FORMATS: Record<string, RegExp> = {
  uri: /^https?:\/\/\S+$/,
  uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/,
};

/**
 * What is wrong with a value: one line for each fault, none when it fits. Stricter than a schema: an object may have
 * no property which the schema does not name, since a client could not know of it.
 * @throws Error for a keyword that is not understood here, so that none is passed over
 */
export function faultsOf(value: unknown, schema: Schema, schemas: Record<string, Schema>, at = ''): string[] {
  const unknown = Object.keys(schema).filter((keyword) => !UNDERSTOOD.has(keyword));
  if (unknown.length > 0) throw new Error(`not understood in a schema: ${unknown.join(', ')}`);
  if (value === null && schema.nullable) return [];
  if (schema.$ref !== undefined) {
    const named = schemas[schema.$ref.replace('#/components/schemas/', '')];
    if (!named) throw new Error(`there is no ${schema.$ref}`);
    return faultsOf(value, named, schemas, at);
  }
  if (schema.oneOf && !schema.oneOf.some((part) => faultsOf(value, part, schemas, at).length === 0)) {
    return [`${at === '' ? 'the answer' : at}: fits none of what it may be`];
  }
  const faults = (schema.allOf ?? []).flatMap((part) => faultsOf(value, part, schemas, at));
  const fault = (text: string) => faults.push(`${at === '' ? 'the answer' : at}: ${text}`);
  if (schema.type !== undefined && !isOfType(value, schema.type)) {
    fault(`is no ${schema.type}: ${JSON.stringify(value)}`);
    return faults;
  }
  if (schema.enum && !schema.enum.includes(value)) fault(`is none of ${schema.enum.join(', ')}`);
  if (typeof value === 'string') {
    if (schema.format !== undefined && !FORMATS[schema.format]!.test(value)) fault(`is no ${schema.format}`);
    if (value.length < (schema.minLength ?? 0)) fault('is too short');
    if (schema.maxLength !== undefined && value.length > schema.maxLength) fault('is too long');
  } else if (typeof value === 'number') {
    if (schema.minimum !== undefined && value < schema.minimum) fault('is too small');
    if (schema.maximum !== undefined && value > schema.maximum) fault('is too large');
  } else if (schema.type === 'array') {
    const { length } = value as unknown[];
    if (length < (schema.minItems ?? 0) || length > (schema.maxItems ?? Infinity))
      fault('has a wrong length');
    (value as unknown[]).forEach((item, index) => {
      faults.push(...faultsOf(item, schema.items ?? {}, schemas, `${at}/${index}`));
    });
  } else if (schema.type === 'object') {
    const { properties, additionalProperties, required = [] } = schema;
    for (const name of required) if (!(name in (value as object))) fault(`lacks ${name}`);
    for (const [name, inner] of Object.entries(value as object)) {
      const known = properties?.[name] ?? (additionalProperties === true ? {} : additionalProperties);
      if (known) faults.push(...faultsOf(inner, known, schemas, `${at}/${name}`));
      // Without properties of its own a schema leaves them to its other parts.
      else if (properties) fault(`has ${name}, which nobody announced`);
    }
  }
  return faults;
}

function isOfType(value: unknown, type: NonNullable<Schema['type']>): boolean {
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value);
  return type === 'integer' ? Number.isInteger(value) : typeof value === type;
}
