import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { INestApplicationContext } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants';
import { ModulesContainer, Reflector } from '@nestjs/core';
import { may } from '@hitl/domain';
import { allowedAt, preview } from '@hitl/service';
import { GatewayModule } from '../gateway.module';

type Handler = () => unknown;

/** The handlers of all routes of the gateway, by controller and method. */
function routesOf(app: INestApplicationContext): [string, Handler][] {
  return [...app.get(ModulesContainer).values()].flatMap(({ controllers }) =>
    [...controllers.values()].flatMap(({ name, metatype }) =>
      Object.values(Object.getOwnPropertyDescriptors((metatype as { prototype: object }).prototype))
        .map(({ value }) => value as Handler)
        .filter(
          (handler) =>
            Reflect.hasMetadata(PATH_METADATA, handler) && Reflect.hasMetadata(METHOD_METADATA, handler),
        )
        .map((handler): [string, Handler] => [`${String(name)}.${handler.name}`, handler]),
    ),
  );
}

describe('the routes of the gateway', () => {
  let routes: [string, Handler][];
  let reflector: Reflector;
  let app: INestApplicationContext;

  beforeAll(async () => {
    app = await preview(GatewayModule);
    reflector = new Reflector();
    routes = routesOf(app);
  });

  afterAll(() => app.close());

  const allowed = (handler: Handler) => allowedAt(reflector, handler);

  it('each say who may call them', () => {
    expect(routes.length).toBeGreaterThan(50);
    expect(routes.filter(([, handler]) => !allowed(handler)).map(([name]) => name)).toEqual([]);
  });

  it('are open to everybody in one place only: a probe', () => {
    const open = routes.filter(([, handler]) => allowed(handler)?.includes('public'));
    expect(open.map(([name]) => name)).toEqual(['OriginalApiController.liveness']);
  });

  it('let no submitter read what reviewers say among themselves, nor what others have submitted', () => {
    const forReviewers = routes.filter(([name]) =>
      /^(Review|Drafts|Summaries|Decisions|Exports|Stats|Keys|Webhooks)/.test(name),
    );
    expect(forReviewers.length).toBeGreaterThan(25);
    const caller = { roles: ['submitter' as const], scopes: null };
    const open = forReviewers.filter(([, handler]) =>
      allowed(handler)?.some((each) => each === 'signed-in' || (each !== 'public' && may(caller, each))),
    );
    // Who asks who they are is told of nobody else.
    expect(open.map(([name]) => name)).toEqual(['ReviewerController.getReviewer']);
  });
});
