import { applyDecorators, type Type } from '@nestjs/common';
import { ApiOkResponse, ApiQuery } from '@nestjs/swagger';
import { MAX_PAGE, DEFAULT_PAGE } from '../http/parameters';

/** The parameter that goes on with a list. */
export const CURSOR = {
  name: 'cursor',
  required: false,
  description: 'next_cursor of the page before',
  schema: { type: 'string', minLength: 1 },
} as const;

/** An operation that answers a page of jobs, with the parameters `limit` and `cursor`. */
export function ApiPage(type: Type): MethodDecorator {
  return applyDecorators(
    ApiQuery({
      name: 'limit',
      required: false,
      schema: { type: 'integer', minimum: 1, maximum: MAX_PAGE, default: DEFAULT_PAGE },
    }),
    ApiQuery(CURSOR),
    ApiOkResponse({ type }),
  );
}
