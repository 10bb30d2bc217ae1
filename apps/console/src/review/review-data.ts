import { queryOptions, type QueryClient, type QueryKey } from '@tanstack/react-query';
import { api, dataOf } from '../api/client';

/** A job as its reviewer sees it. */
export const reviewQuery = (id: string) =>
  queryOptions({
    queryKey: ['review', id],
    queryFn: ({ signal }) => dataOf(api.GET('/v1/reviews/{id}', { params: { path: { id } }, signal })),
    gcTime: 60_000,
  });

/** All that happened to a job, up to a version of it. */
export const historyQuery = (id: string, version: string) =>
  queryOptions({
    queryKey: ['history', id, version],
    queryFn: ({ signal }) =>
      dataOf(api.GET('/v1/reviews/{id}/history', { params: { path: { id } }, signal })),
  });

/** Reads a job that is likely to be opened next. */
export function prefetchReview(client: QueryClient, id: string): void {
  client.query(reviewQuery(id)).catch(() => undefined);
}

/** Reads again what a page shows, also what is on its way for the first time: it may be older than what has happened. */
export async function readAgain(client: QueryClient, queryKey: QueryKey): Promise<void> {
  await client.cancelQueries({ queryKey, predicate: ({ state }) => state.data === undefined });
  await client.invalidateQueries({ queryKey });
}
