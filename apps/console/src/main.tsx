import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { startLive } from './api/live';
import { ApiError } from './api/problem';
import { startKeys } from './keys/use-keys';
import { followQueue } from './queue/queue-data';
import { followReviews } from './api/review-queries';
import { createConsoleRouter } from './router';
import { startNaming } from './shell/naming';
import { preloadParts } from './ui/part';
import './styles.css';
import { applyTheme } from './ui/theme';

// As an absolute address: a relative one would lead elsewhere from the next page.
for (const icon of document.querySelectorAll<HTMLLinkElement>('link[rel="icon"]')) icon.href = icon.href;

applyTheme();
startKeys();
startLive();

const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      // Changes are told: nothing is asked for again without a reason.
      staleTime: Infinity,
      refetchOnWindowFocus: false,
      retry: (count, error) => count < 2 && error instanceof ApiError && error.isPassing,
    },
    mutations: { networkMode: 'always' },
  },
});
startNaming(queryClient);
followQueue(queryClient);
followReviews(queryClient);
const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root');
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queryClient}>
      <RouterProvider router={createConsoleRouter(queryClient)} />
    </QueryClientProvider>
  </StrictMode>,
);
preloadParts();
