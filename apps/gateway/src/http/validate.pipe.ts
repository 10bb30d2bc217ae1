import { Injectable, type ArgumentMetadata, type PipeTransform } from '@nestjs/common';
import { DomainError } from '@hitl/domain';
import { validate } from './validate';

/** Validates every body that a controller declares with a DTO class. */
@Injectable()
export class ValidatePipe implements PipeTransform {
  transform(value: unknown, { type, metatype }: ArgumentMetadata): unknown {
    if (type !== 'body' || !metatype || (metatype as unknown) === Object) return value;
    if (value === undefined) throw new DomainError('invalid_json', 'The body is empty; send a JSON object.');
    return validate(metatype as new () => object, value);
  }
}
