import { Injectable, type ArgumentMetadata, type PipeTransform } from '@nestjs/common';
import { validate } from './validate';

/** Validates every body that a controller declares with a DTO class. */
@Injectable()
export class ValidatePipe implements PipeTransform {
  transform(value: unknown, { type, metatype }: ArgumentMetadata): unknown {
    if (type !== 'body' || !metatype || (metatype as unknown) === Object) return value;
    return validate(metatype as new () => object, value);
  }
}
