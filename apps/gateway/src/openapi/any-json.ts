import { ApiProperty, type ApiPropertyOptions } from '@nestjs/swagger';

/** The description of any JSON value: the schema that forbids nothing, under a name that generated code can use. */
export const ANY_JSON = {
  name: 'Json',
  schema: { description: 'Any JSON value: an object, an array, a text, a number, a boolean or null.' },
  ref: { allOf: [{ $ref: '#/components/schemas/Json' }] },
};

/** A property that holds any JSON, null included. */
export function ApiJson(
  options: Pick<ApiPropertyOptions, 'description' | 'required'> & { example?: unknown },
) {
  return ApiProperty({ ...options, ...ANY_JSON.ref } as ApiPropertyOptions);
}
