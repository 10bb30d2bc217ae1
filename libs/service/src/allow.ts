import { applyDecorators, SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiExtension } from '@nestjs/swagger';
import type { Permission } from '@hitl/domain';

const ALLOWED = 'hitl:allowed';

/** Where {@link Allow} leaves what it says of an operation until the API's description is made. */
export const ALLOWED_EXTENSION = 'x-allowed';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether anybody may call the route, without saying who they are. */
    isPublic?: boolean;
    /** Whether reviewers work by it: no limit of requests refuses it. */
    isReviewing?: boolean;
  }
}

/** `public`: everybody, also who does not say who they are. `signed-in`: every caller. */
type Everybody = 'public' | 'signed-in';

/**
 * Who may call a route: callers with one of these permissions, or {@link Everybody}. Every route must say so; lint, a test
 * and the gateway's guard refuse one that does not.
 */
export function Allow(...allowed: [Everybody] | [Permission, ...Permission[]]): MethodDecorator {
  return applyDecorators(
    SetMetadata(ALLOWED, allowed),
    ApiExtension(ALLOWED_EXTENSION, allowed),
    ...(allowed[0] === 'public' ? [RouteConfig({ isPublic: true })] : []),
    ...(allowed.some((each) => each === 'reviews:write') ? [RouteConfig({ isReviewing: true })] : []),
  );
}

/** What {@link Allow} says of a route's handler; undefined: nothing. */
export function allowedAt(
  reflector: Reflector,
  handler: () => unknown,
): readonly (Permission | Everybody)[] | undefined {
  return reflector.get<readonly (Permission | Everybody)[] | undefined>(ALLOWED, handler);
}
