import { Param, type PipeTransform } from '@nestjs/common';
import { ApiParam } from '@nestjs/swagger';
import { DomainError, isJobId, type ErrorCode } from '@hitl/domain';
import { quote } from '@hitl/shapes';
import { fault } from './faults';

/** A part of a path: declares its check and its description, as the fields of `fields.ts` do. */
function pathParameter(name: string, schema: object, read: (text: string) => unknown): ParameterDecorator {
  const pipe: PipeTransform<string> = { transform: read };
  return (target, key, index) => {
    const method = key === undefined ? undefined : Object.getOwnPropertyDescriptor(target, key);
    if (key === undefined || !method) throw new Error(`${name} is declared on no method`);
    ApiParam({ name, ...schema })(target, key, method);
    Param(name, pipe)(target, key, index);
  };
}

/**
 * The UUID of a thing, in lower case.
 * @param code of the refusal of what can be nothing's id
 */
export function PathId(name: string, code: ErrorCode, thing: string): ParameterDecorator {
  return pathParameter(name, { format: 'uuid' }, (id) => {
    if (isJobId(id)) return id.toLowerCase();
    throw new DomainError(code, `There is no ${thing} with the id ${quote(id)}.`);
  });
}

/** The job that a path names. */
export const JobId = (): ParameterDecorator => PathId('id', 'job_not_found', 'job');

/** A whole number from 1. */
export function PathNumber(name: string, max: number): ParameterDecorator {
  return pathParameter(name, { schema: { type: 'integer', minimum: 1, maximum: max } }, (text) => {
    const number = /^[1-9]\d{0,14}$/.test(text) ? Number(text) : NaN;
    if (number <= max) return number;
    throw fault(name, `${quote(text)} is not a whole number from 1 to ${max}`);
  });
}
