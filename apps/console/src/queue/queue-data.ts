import { useInfiniteQuery, useQueryClient, type InfiniteData, type QueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useRef } from 'react';
import { api, dataOf, type ReviewSummary, type SummaryPage } from '../api/client';
import { useChanges, type JobChange } from '../api/live';
import type { Filters } from './filters';
import { mergePages } from './merge';

/** Rows that one request brings: the first page shows soon, scrolling brings the rest. */
const PAGE = 200;
/** Changes are looked up together: this long after the first one, in milliseconds, and so many at once. */
const GATHER = 250;
const MOST_LOOKED_UP = 200;

type Pages = InfiniteData<SummaryPage, string | undefined>;

const keyOf = (filters: Filters) => ['queue', filters] as const;

async function summaries(
  query: Filters & { limit?: number; cursor?: string; ids?: string },
  signal?: AbortSignal,
) {
  return dataOf(api.GET('/v1/review-summaries', { params: { query }, signal }));
}

/** The waiting jobs, page by page, kept up to date by the gateway's events. */
export function useQueue(filters: Filters) {
  const query = useInfiniteQuery({
    queryKey: keyOf(filters),
    queryFn: ({ pageParam, signal }) => summaries({ ...filters, limit: PAGE, cursor: pageParam }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: (before) => before,
    refetchOnReconnect: true,
  });
  useLiveQueue(filters);
  return query;
}

/** Looks up the jobs that changed, and puts what they have become in their place. */
function useLiveQueue(filters: Filters): void {
  const client = useQueryClient();
  const changed = useRef(new Set<string>());
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const now = useRef(filters);
  useEffect(() => {
    now.current = filters;
  });
  useEffect(() => () => clearTimeout(timer.current), []);
  useChanges(
    useCallback(
      (change: JobChange | null) => {
        if (change === null) {
          void client.invalidateQueries({ queryKey: ['queue'] });
          return;
        }
        if (change.type === 'submitted' || change.type === 'attempt_failed' || change.type === 'noted')
          return;
        changed.current.add(change.job_id);
        timer.current ??= setTimeout(() => {
          timer.current = undefined;
          const ids = [...changed.current];
          changed.current.clear();
          void lookUp(client, now.current, ids);
        }, GATHER);
      },
      [client],
    ),
  );
}

async function lookUp(client: QueryClient, filters: Filters, ids: string[]): Promise<void> {
  const key = keyOf(filters);
  try {
    for (let from = 0; from < ids.length; from += MOST_LOOKED_UP) {
      const some = ids.slice(from, from + MOST_LOOKED_UP);
      const { data } = await summaries({ ...filters, ids: some.join(','), limit: some.length });
      client.setQueryData<Pages>(
        key,
        (before) => before && { ...before, pages: mergePages(before.pages, some, data) },
      );
    }
  } catch {
    void client.invalidateQueries({ queryKey: key });
  }
}

/** Takes a job that was just decided out of every list, before the gateway tells. */
export function dropFromQueue(client: QueryClient, id: string): void {
  client.setQueriesData<Pages>(
    { queryKey: ['queue'] },
    (before) => before && { ...before, pages: mergePages(before.pages, [id], []) },
  );
}

/** The job after `id` that nobody else has: first in the list as it is known, else as the gateway knows it. */
export async function nextJob(
  client: QueryClient,
  filters: Filters,
  id: string,
  me: string,
): Promise<string | null> {
  const isFree = (row: ReviewSummary): boolean =>
    row.id !== id && row.held === null && (row.claim === null || row.claim.by === me);
  const rows = client.getQueryData<Pages>(keyOf(filters))?.pages.flatMap(({ data }) => data) ?? [];
  const at = rows.findIndex((row) => row.id === id);
  const known = rows.slice(at + 1).find(isFree) ?? rows.slice(0, Math.max(at, 0)).find(isFree);
  if (known) return known.id;
  const { data } = await summaries({ ...filters, limit: 50 });
  return data.find(isFree)?.id ?? null;
}

/** The job before or after another one in the list as it is known. */
export function neighbour(client: QueryClient, filters: Filters, id: string, step: 1 | -1): string | null {
  const rows = client.getQueryData<Pages>(keyOf(filters))?.pages.flatMap(({ data }) => data) ?? [];
  const at = rows.findIndex((row) => row.id === id);
  return at === -1 ? null : (rows[at + step]?.id ?? null);
}
