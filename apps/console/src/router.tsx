import type { QueryClient } from '@tanstack/react-query';
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from '@tanstack/react-router';
import { BASE } from './base';
import { decisionFiltersOf } from './decisions/decision-filters';
import { viewOf } from './insight/view';
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

const historyRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/history/$id',
  component: lazyRouteComponent(() => import('./history/history-page'), 'HistoryPage'),
});

const insightRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/insight',
  validateSearch: viewOf,
  component: lazyRouteComponent(() => import('./insight/insight-page'), 'InsightPage'),
});

const decisionsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/decisions',
  validateSearch: decisionFiltersOf,
  component: lazyRouteComponent(() => import('./decisions/decisions-page'), 'DecisionsPage'),
});

const policiesRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/policies',
  component: lazyRouteComponent(() => import('./policies/policies-page'), 'PoliciesPage'),
});

const webhooksRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/webhooks',
  component: lazyRouteComponent(() => import('./webhooks/webhooks-page'), 'WebhooksPage'),
});

const tryRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/try',
  component: lazyRouteComponent(() => import('./try/try-page'), 'TryPage'),
});

export function createConsoleRouter(queryClient: QueryClient) {
  return createRouter({
    routeTree: rootRoute.addChildren([
      indexRoute,
      queueRoute,
      reviewRoute,
      historyRoute,
      insightRoute,
      decisionsRoute,
      policiesRoute,
      webhooksRoute,
      tryRoute,
    ]),
    basepath: BASE,
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
