import type { QueryClient } from '@tanstack/react-query';
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from '@tanstack/react-router';
import { filtersOf } from './queue/filters';
import { QueuePage } from './queue/queue-page';
import { Failed, Missing } from './shell/states';
import { Shell } from './shell/shell';

const rootRoute = createRootRouteWithContext<{ queryClient: QueryClient }>()({
  component: Shell,
  notFoundComponent: Missing,
  errorComponent: Failed,
});

const indexRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/queue', replace: true });
  },
});

const queueRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/queue',
  validateSearch: filtersOf,
  component: QueuePage,
});

/** The filters go along, so that the next job is the list's next. */
const reviewRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/review/$id',
  validateSearch: filtersOf,
  component: lazyRouteComponent(() => import('./review/review-page'), 'ReviewPage'),
});

const tryRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/try',
  component: lazyRouteComponent(() => import('./try/try-page'), 'TryPage'),
});

export function createConsoleRouter(queryClient: QueryClient) {
  return createRouter({
    routeTree: rootRoute.addChildren([indexRoute, queueRoute, reviewRoute, tryRoute]),
    context: { queryClient },
    defaultPreload: 'intent',
    scrollRestoration: false,
  });
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createConsoleRouter>;
  }
}
