import { ValidateBy } from 'class-validator';

/** The field names a project. */
export function IsProject(): PropertyDecorator {
  return ValidateBy({
    name: 'isProject',
    validator: { validate: (value) => typeof value === 'string' && value !== '' },
  });
}
