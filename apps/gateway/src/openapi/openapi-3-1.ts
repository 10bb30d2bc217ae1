import type { OpenAPIObject } from '@nestjs/swagger';

type Node = Record<string, unknown>;

/** The names of the keywords below which names are a client's, not keywords: what they hold is a schema each. */
const MAPS_OF_SCHEMAS = new Set(['properties', 'schemas', 'patternProperties', '$defs']);
/** What these hold is data, never a schema. */
const DATA = new Set(['default', 'enum', 'const', 'example', 'examples', 'mapping']);
const SCHEMA_REF = '#/components/schemas/';

/**
 * Rewrites a document of OpenAPI 3.0, which is what Nest writes, as OpenAPI 3.1: `nullable` becomes the type `null`
 * (beside a `$ref` or an enumeration by `anyOf`, since `allOf` would forbid it), an `allOf` of one `$ref` that `$ref`, and a schema's
 * `example` its `examples`. Schemas that no operation leads to are left out.
 */
export function toOpenApi31(document: OpenAPIObject): OpenAPIObject {
  const rewritten = rewrite(document) as OpenAPIObject;
  dropUnused(rewritten);
  return { ...rewritten, openapi: '3.1.0' };
}

/** Every name in `components/schemas` that `node` leads to, directly or through other schemas. */
export function schemasIn(
  node: unknown,
  schemas: Record<string, unknown>,
  seen = new Set<string>(),
): Set<string> {
  if (typeof node !== 'object' || node === null) return seen;
  for (const [key, value] of Object.entries(node)) {
    if (key === '$ref' && typeof value === 'string' && value.startsWith(SCHEMA_REF)) {
      const name = value.slice(SCHEMA_REF.length);
      if (seen.has(name)) continue;
      seen.add(name);
      schemasIn(schemas[name], schemas, seen);
    } else schemasIn(value, schemas, seen);
  }
  return seen;
}

function rewrite(node: unknown, isMap = false): unknown {
  if (Array.isArray(node)) return node.map((item) => rewrite(item));
  if (typeof node !== 'object' || node === null) return node;
  const result: Node = {};
  for (const [key, value] of Object.entries(node)) {
    result[key] = !isMap && DATA.has(key) ? value : rewrite(value, !isMap && MAPS_OF_SCHEMAS.has(key));
  }
  return isMap || !isSchema(result) ? result : asSchema31(result);
}

function isSchema(node: Node): boolean {
  return 'type' in node || 'allOf' in node || 'nullable' in node;
}

function asSchema31({ nullable, example, allOf, ...schema }: Node): Node {
  // A parameter's or header's own `example` is none of a schema.
  if (example !== undefined) schema.examples = [example];
  const only = Array.isArray(allOf) && allOf.length === 1 ? (allOf[0] as Node) : undefined;
  if (only && '$ref' in only) {
    // Nest adds `type: object` to it.
    delete schema.type;
    return nullable === true ? { anyOf: [only, { type: 'null' }], ...schema } : { ...only, ...schema };
  }
  if (allOf !== undefined) schema.allOf = allOf;
  if (nullable !== true) return schema;
  if (Array.isArray(schema.oneOf))
    return { ...schema, oneOf: [...(schema.oneOf as unknown[]), { type: 'null' }] };
  if (Array.isArray(schema.enum)) {
    // Generators that make an enumeration of a list of texts cannot have null in it.
    const { enum: values, type, ...rest } = schema;
    return { ...rest, anyOf: [{ type, enum: values }, { type: 'null' }] };
  }
  return { ...schema, type: [schema.type, 'null'] };
}

function dropUnused(document: OpenAPIObject): void {
  const schemas: Record<string, unknown> = document.components?.schemas ?? {};
  const { components, ...rest } = document;
  const used = schemasIn([rest, { ...components, schemas: undefined }], schemas);
  for (const name of Object.keys(schemas)) if (!used.has(name)) Reflect.deleteProperty(schemas, name);
}
