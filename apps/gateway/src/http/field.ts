import { ApiProperty, type ApiPropertyOptions } from '@nestjs/swagger';
import { field as checked, type FieldOptions as CheckOptions, type Kind as Check } from '@hitl/shapes';

/**
 * The fields of bodies, queries and responses. Each decorator is a field's only declaration: the check that `validate.ts`
 * makes, the detail of its fault, the value that the text of a query's parameter stands for, and the description in the
 * OpenAPI document. Responses are described by the same decorators; nobody checks them.
 */
export interface FieldOptions extends CheckOptions {
  description?: string;
  example?: unknown;
}

interface Kind extends Check {
  schema: Partial<ApiPropertyOptions>;
}

export function field({ schema, ...kind }: Kind, options: FieldOptions): PropertyDecorator {
  const { optional = false, nullable = false, ...documented } = options;
  delete documented.remedy;
  const check = checked(kind, options);
  const describe = ApiProperty({
    ...schema,
    required: !optional,
    ...(nullable && { nullable }),
    ...documented,
  } as ApiPropertyOptions);
  return (target, key) => {
    check(target, key);
    describe(target, key);
  };
}
