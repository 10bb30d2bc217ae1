import type { QueryClient } from '@tanstack/react-query';
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  redirect,
  type RouteComponent,
} from '@tanstack/react-router';
import type { ComponentType } from 'react';
import { BASE } from './api/base';
import { decisionFiltersOf } from './decisions/decision-filters';
import { viewOf } from './insight/view';
import { filtersOf } from './queue/filters';
import { QueuePage } from './queue/queue-page';
import { part } from './ui/part';
import { Failed, Missing } from './ui/states';
import { Shell } from './shell/shell';

/** A page that is loaded when it is opened, or earlier. */
function page(load: () => Promise<unknown>): RouteComponent {
  return part('the page', load as () => Promise<ComponentType>);
}

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
  component: page(() => import('./review/review-page').then((file) => file.ReviewPage)),
});

const historyRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/history/$id',
  component: page(() => import('./history/history-page').then((file) => file.HistoryPage)),
});

const insightRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/insight',
  validateSearch: viewOf,
  component: page(() => import('./insight/insight-page').then((file) => file.InsightPage)),
});

const decisionsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/decisions',
  validateSearch: decisionFiltersOf,
  component: page(() => import('./decisions/decisions-page').then((file) => file.DecisionsPage)),
});

const policiesRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/policies',
  component: page(() => import('./policies/policies-page').then((file) => file.PoliciesPage)),
});

const webhooksRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/webhooks',
  component: page(() => import('./webhooks/webhooks-page').then((file) => file.WebhooksPage)),
});

const keysRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/keys',
  component: page(() => import('./identity/keys-page').then((file) => file.KeysPage)),
});

const tryRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/try',
  component: page(() => import('./try/try-page').then((file) => file.TryPage)),
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
      keysRoute,
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
