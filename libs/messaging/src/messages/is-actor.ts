import { actorName } from '@hitl/domain';
import { ValidateBy } from 'class-validator';

/** The field names somebody; see {@link actorName}. */
export function IsActor(): PropertyDecorator {
  return ValidateBy({
    name: 'isActor',
    validator: { validate: (value) => typeof value === 'string' && actorName(value) !== null },
  });
}
