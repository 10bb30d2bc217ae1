import { createParamDecorator, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { DomainError, may, type Caller } from '@hitl/domain';
import { allowedAt } from '@hitl/service';
import { quote } from '@hitl/shapes';
import type { FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who makes the request, as `identity/` has found out; unset where the route is public. */
    caller: Caller;
  }
}

/** Decides whether a caller may call a route, by what the route itself says: {@link Allow}. */
@Injectable()
export class CallerGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  /** @throws DomainError forbidden for a caller who has none of the permissions that the route takes */
  canActivate(context: ExecutionContext): boolean {
    // Messages come from services, which say whom they act for.
    if (context.getType() !== 'http') return true;
    const handler = context.getHandler();
    const allowed = allowedAt(this.reflector, handler as () => unknown);
    if (!allowed) throw new Error(`${handler.name} does not say who may call it: add @Allow`);
    if (allowed.includes('public')) return true;
    const { caller } = context.switchToHttp().getRequest<FastifyRequest>();
    if (allowed.some((each) => each === 'signed-in' || (each !== 'public' && may(caller, each)))) return true;
    throw new DomainError('forbidden', refusal(caller, allowed));
  }
}

function refusal({ name, roles, scopes }: Caller, allowed: readonly string[]): string {
  const has = scopes === null ? `the role ${roles.join(', ')}` : `the scopes ${scopes.join(', ')}`;
  return `${quote(name)} may not do this: it takes ${allowed.join(' or ')}, which ${has} does not include.`;
}

/** Who makes the request. */
export const CurrentCaller = createParamDecorator(
  (_data: unknown, context: ExecutionContext): Caller =>
    context.switchToHttp().getRequest<FastifyRequest>().caller,
);
