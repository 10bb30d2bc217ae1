import { describe, expect, it } from '@jest/globals';
import type { ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { readConfig } from '@hitl/config';
import type { Role } from '@hitl/domain';
import { Allow } from '@hitl/service';
import { CallerGuard } from './caller';

const guardOn = (HOST?: string) => new CallerGuard(readConfig({ HOST }), new Reflector());
const named = (name: string) => ({ headers: { 'x-hitl-actor': name } });

class Routes {
  @Allow('reviewer', 'admin')
  forReviewers(): void {
    // It is never called.
  }

  @Allow('public')
  forEverybody(): void {
    // Nor is this.
  }

  forNobody(): void {
    // Nor this.
  }
}

/** The call of a route by somebody with these roles. */
function callOf(route: keyof Routes, roles: Role[], type = 'http'): ExecutionContext {
  const request = { caller: { name: 'ann', project: 'default', roles, groups: [] } };
  return {
    getType: () => type,
    getHandler: () => Routes.prototype[route],
    switchToHttp: () => ({ getRequest: () => request }),
  } as unknown as ExecutionContext;
}

describe('who makes a request', () => {
  it('is the local person in every role, unless the request says another name', () => {
    const local = {
      name: 'local',
      project: 'default',
      roles: ['submitter', 'reviewer', 'admin'],
      groups: [],
    };
    expect(guardOn().identify({ headers: {} })).toEqual(local);
    expect(guardOn().identify(named('%C3%84nne')).name).toBe('Änne');
    expect(guardOn().identify(named('ann'))).toEqual({ ...local, name: 'ann' });
  });

  it.each(['', ' ', 'worker', 'policy:x', '100%', '%ff', 'a\u0000b', 'a'.repeat(129)])(
    'is nobody by the name %j',
    (name) => {
      expect(() => guardOn().identify(named(name))).toThrow(/^x-hitl-actor: /);
    },
  );

  it('is the local person alone where strangers reach the server, and another name is refused', () => {
    const guard = guardOn('0.0.0.0');
    expect(guard.mayChoose).toBe(false);
    expect(guard.identify(named('local')).name).toBe('local');
    expect(() => guard.identify(named('ann'))).toThrow(/is not taken/);
  });
});

describe('the guard of the routes', () => {
  const guard = guardOn();

  it('lets a caller in who has one of the roles, and everybody where the route is public', () => {
    expect(guard.canActivate(callOf('forReviewers', ['submitter', 'admin']))).toBe(true);
    expect(guard.canActivate(callOf('forEverybody', []))).toBe(true);
  });

  it('refuses a caller who has none of them', () => {
    expect(() => guard.canActivate(callOf('forReviewers', ['submitter']))).toThrow(
      expect.objectContaining({ code: 'forbidden' }),
    );
  });

  it('lets nobody call a route that does not say who may', () => {
    expect(() => guard.canActivate(callOf('forNobody', ['admin']))).toThrow(/forNobody does not say/);
  });

  it('leaves messages alone', () => {
    expect(guard.canActivate(callOf('forNobody', [], 'rpc'))).toBe(true);
  });
});
