import { queryOptions, type QueryClient, type QueryKey } from '@tanstack/react-query';
import { api, dataOf, type Review } from './client';
import { followChanges } from './live';

/** A job as its reviewer sees it. */
export const reviewQuery = (id: string) =>
  queryOptions({
    queryKey: ['review', id],
    queryFn: ({ signal }) => dataOf(api.GET('/v1/reviews/{id}', { params: { path: { id } }, signal })),
    gcTime: 60_000,
  });

/** How often it is looked whether the client that is held for an open review is still there, in milliseconds: no event tells. */
const CLIENT_INTERVAL = 10_000;

/** Whether the client that is held for the answer is still there; null: none is. */
export const clientQuery = ({ id, status, review }: Review) =>
  queryOptions({
    queryKey: ['client', id],
    queryFn: async ({ signal }) => {
      const query = { ids: id, limit: 1 };
      const { data } = await dataOf(api.GET('/v1/review-summaries', { params: { query }, signal }));
      return data[0]?.client ?? null;
    },
    initialData: review.client,
    refetchInterval: status === 'human' && review.client !== null ? CLIENT_INTERVAL : false,
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

/** What is read about one job: each of these keys goes on with its id. */
const ABOUT_A_JOB = [['review'], ['history'], ['record'], ['webhooks', 'job']];

/** Reads again what pages show of the jobs that change, and lets what they no longer or not yet show be read when they do. */
export function followReviews(client: QueryClient): void {
  followChanges((change) => {
    for (const about of ABOUT_A_JOB)
      void readAgain(client, change === null ? about : [...about, change.job_id]);
  });
}

/** What is on its way for nobody, or for the first time, may be older than what has happened: it is dropped. */
async function readAgain(client: QueryClient, queryKey: QueryKey): Promise<void> {
  await client.cancelQueries({
    queryKey,
    predicate: (query) => query.state.data === undefined || !query.isActive(),
  });
  await client.invalidateQueries({ queryKey });
}
