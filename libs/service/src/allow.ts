import { SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Role } from '@hitl/domain';

const ALLOWED = 'hitl:allowed';

/**
 * Who may call a route: callers with one of these roles, or with `public` everybody. Every route must say so; lint, a test
 * and the gateway's guard refuse one that does not.
 */
export const Allow = (...allowed: ['public'] | [Role, ...Role[]]): MethodDecorator =>
  SetMetadata(ALLOWED, allowed);

/** What {@link Allow} says of a route's handler; undefined: nothing. */
export function allowedAt(
  reflector: Reflector,
  handler: () => unknown,
): readonly (Role | 'public')[] | undefined {
  return reflector.get<readonly (Role | 'public')[] | undefined>(ALLOWED, handler);
}
