import { DomainError, type FieldFault } from '@hitl/domain';
import { quote } from '@hitl/shapes';

/** Faults that one reply has. */
const MAX_FAULTS = 20;

/** A refusal of a parameter or header, which it names. */
export function fault(name: string, detail: string): DomainError {
  return parametersRefused([[name, detail]]);
}

/** A refusal of parameters: each name, and what is wrong with it. */
export function parametersRefused(faults: [name: string, detail: string][]): DomainError {
  const shown = faults.slice(0, MAX_FAULTS);
  return new DomainError(
    'invalid_request',
    `${shown.map(([name, detail]) => `${quote(name)}: ${detail}`).join('. ')}.`,
    shown.map(([name, detail]) => ({ pointer: name.slice(0, 64), detail })),
  );
}

/** A refusal of a body's fields. */
export function bodyRefused(faults: FieldFault[]): DomainError {
  const shown = faults.slice(0, MAX_FAULTS);
  const summary = shown.map(({ pointer, detail }) => `${pointer}: ${detail}`).join('. ');
  return new DomainError('invalid_request', `${summary}.`, shown);
}
