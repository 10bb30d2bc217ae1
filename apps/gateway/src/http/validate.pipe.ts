import { Injectable, type ArgumentMetadata, type PipeTransform } from '@nestjs/common';
import { DomainError } from '@hitl/domain';
import { readBody, readQuery } from './validate';

/** Reads every body and query that a controller declares with a class of `fields.ts` and `list-fields.ts`. */
@Injectable()
export class ValidatePipe implements PipeTransform {
  transform(value: unknown, { type, metatype }: ArgumentMetadata): unknown {
    if (!metatype || (metatype as unknown) === Object) return value;
    const shape = metatype as new () => object;
    if (type === 'query') return readQuery(shape, value as Record<string, unknown>);
    if (type !== 'body') return value;
    if (value === undefined) throw new DomainError('invalid_json', 'The body is empty; send a JSON object.');
    return readBody(shape, value);
  }
}
