import { describe, expect, it } from '@jest/globals';
import type { ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Permission, Role } from '@hitl/domain';
import { Allow } from '@hitl/service';
import { CallerGuard } from './caller';

class Routes {
  @Allow('reviews:read', 'jobs:write')
  forSome(): void {
    // It is never called.
  }

  @Allow('signed-in')
  forCallers(): void {
    // Nor is this.
  }

  @Allow('public')
  forEverybody(): void {
    // Nor is this.
  }

  forNobody(): void {
    // Nor this.
  }
}

/** The call of a route by somebody; undefined: nobody has said who. */
function callOf(
  route: keyof Routes,
  caller?: { roles: Role[]; scopes?: Permission[] },
  type = 'http',
): ExecutionContext {
  const request = {
    caller: caller && { name: 'ann', project: 'default', scopes: null, groups: [], ...caller },
  };
  return {
    getType: () => type,
    getHandler: () => Routes.prototype[route],
    switchToHttp: () => ({ getRequest: () => request }),
  } as unknown as ExecutionContext;
}

describe('the guard of the routes', () => {
  const guard = new CallerGuard(new Reflector());

  it('lets a caller in whose role has one of the permissions', () => {
    expect(guard.canActivate(callOf('forSome', { roles: ['auditor'] }))).toBe(true);
    expect(guard.canActivate(callOf('forSome', { roles: ['lead', 'submitter'] }))).toBe(true);
    expect(guard.canActivate(callOf('forSome', { roles: ['admin'], scopes: ['jobs:write'] }))).toBe(true);
  });

  it('lets every caller in where the route says so, and everybody where it is public', () => {
    expect(guard.canActivate(callOf('forCallers', { roles: [] }))).toBe(true);
    expect(guard.canActivate(callOf('forEverybody'))).toBe(true);
  });

  it.each([
    { roles: [] },
    { roles: ['admin' as const], scopes: ['jobs:read' as const] },
    // A scope gives nothing that the role has not.
    { roles: ['auditor' as const], scopes: ['jobs:write' as const] },
  ])('refuses a caller who has none of them: %j', (caller) => {
    expect(() => guard.canActivate(callOf('forSome', caller))).toThrow(
      expect.objectContaining({ code: 'forbidden' }),
    );
  });

  it('lets nobody call a route that does not say who may', () => {
    expect(() => guard.canActivate(callOf('forNobody', { roles: ['admin'] }))).toThrow(
      /forNobody does not say/,
    );
  });

  it('leaves messages alone', () => {
    expect(guard.canActivate(callOf('forNobody', undefined, 'rpc'))).toBe(true);
  });
});
