import { useInfiniteQuery, type InfiniteData, type QueryClient, type QueryKey } from '@tanstack/react-query';
import { api, dataOf, type ReviewSummary, type SummaryPage } from '../api/client';
import { followChanges } from '../api/live';
import type { Filters } from './filters';
import { isDecidable } from '../verdicts/obstacle';
import { mergePages } from './merge';

/** Rows that one request brings: the first page shows soon, scrolling brings the rest. */
const PAGE = 200;
/** Changes are looked up together: this long after the first one, in milliseconds, and so many at once. */
const GATHER = 250;
const MAX_LOOKED_UP = 200;

type Pages = InfiniteData<SummaryPage, string | undefined>;

const keyOf = (filters: Filters) => ['queue', filters] as const;

async function summaries(
  query: Filters & { limit?: number; cursor?: string; ids?: string },
  signal?: AbortSignal,
) {
  return dataOf(api.GET('/v1/review-summaries', { params: { query }, signal }));
}

/** The waiting jobs, page by page; {@link followQueue} keeps them up to date. */
export function useQueue(filters: Filters) {
  return useInfiniteQuery({
    queryKey: keyOf(filters),
    queryFn: ({ pageParam, signal }) => summaries({ ...filters, limit: PAGE, cursor: pageParam }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: (before) => before,
  });
}

/** Puts what the jobs that change have become in their place in every list in use; other lists are read anew once they are. */
export function followQueue(client: QueryClient): void {
  const lists = { queryKey: ['queue'] };
  const changed = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let bringing = Promise.resolve();
  const gather = (ids: string[]): void => {
    for (const id of ids) changed.add(id);
    timer ??= setTimeout(() => {
      timer = undefined;
      // One after the other: an older answer must not overwrite a newer one.
      bringing = bringing.then(bring);
    }, GATHER);
  };
  const bring = async (): Promise<void> => {
    const ids = [...changed];
    // What is being read was perhaps read before the change, and will overwrite what is put in place now.
    if (client.isFetching(lists) > 0) {
      gather(ids);
      return;
    }
    changed.clear();
    for (const query of client.getQueryCache().findAll(lists)) {
      if (query.isActive()) await lookUp(client, query.queryKey[1] as Filters, ids);
      else query.invalidate();
    }
    if (client.isFetching(lists) > 0) gather(ids);
  };
  followChanges((change) => {
    if (change === null) void client.invalidateQueries(lists);
    else if (!['submitted', 'attempt_failed'].includes(change.type)) gather([change.job_id]);
  });
}

async function lookUp(client: QueryClient, filters: Filters, ids: string[]): Promise<void> {
  const key = keyOf(filters);
  try {
    for (let from = 0; from < ids.length; from += MAX_LOOKED_UP) {
      const some = ids.slice(from, from + MAX_LOOKED_UP);
      const { data } = await summaries({ ...filters, ids: some.join(','), limit: some.length });
      // Whether the others were counted before nobody knows here.
      const isWhole = client.getQueryData<Pages>(key)?.pages.at(-1)?.has_more === false;
      const total = isWhole ? undefined : (await summaries({ ...filters, limit: 1 })).total;
      put(client, key, some, data, total);
    }
  } catch {
    void client.invalidateQueries({ queryKey: key });
  }
}

/** Puts into a list what has become of some jobs. One of which nothing is left but the end is read anew. */
function put(
  client: QueryClient,
  key: QueryKey,
  changed: string[],
  found: ReviewSummary[],
  total?: number,
): void {
  client.setQueryData<Pages>(
    key,
    (before) => before && { ...before, pages: mergePages(before.pages, changed, found, total) },
  );
  const last = client.getQueryData<Pages>(key)?.pages.at(-1);
  if (last?.has_more && last.data.length === 0) void client.invalidateQueries({ queryKey: key });
}

/** Takes jobs that were just decided out of every list, before the gateway tells. */
export function dropFromQueue(client: QueryClient, ids: string[]): void {
  for (const { queryKey } of client.getQueryCache().findAll({ queryKey: ['queue'] }))
    put(client, queryKey, ids, []);
}

/** Shows in every list that a job is decided for now, or no longer, before the gateway tells. */
export function holdInQueue(client: QueryClient, id: string, held: ReviewSummary['held']): void {
  client.setQueriesData<Pages>(
    { queryKey: ['queue'] },
    (before) =>
      before && {
        ...before,
        pages: before.pages.map((page) => ({
          ...page,
          data: page.data.map((row) => (row.id === id ? { ...row, held } : row)),
        })),
      },
  );
}

/** At most so many names are offered of each kind. */
const MAX_NAMES = 100;

export type KnownNames = Record<'model' | 'rule' | 'group', string[]>;

/** The models, rules and groups of all jobs that this page has seen lately, whatever is filtered now. */
export function knownNames(client: QueryClient): KnownNames {
  const rows = client
    .getQueriesData<Pages>({ queryKey: ['queue'] })
    .flatMap(([, pages]) => pages?.pages.flatMap(({ data }) => data) ?? []);
  const namesOf = (name: keyof KnownNames): string[] =>
    [...new Set(rows.map((row) => row[name]))]
      .filter((each) => each !== null)
      .sort()
      .slice(0, MAX_NAMES);
  return { model: namesOf('model'), rule: namesOf('rule'), group: namesOf('group') };
}

/** The job after `id` that this reviewer may decide: first in the list as it is known, else as the gateway knows it. */
export async function nextJob(
  client: QueryClient,
  filters: Filters,
  id: string,
  me: string,
): Promise<string | null> {
  const rows = rowsOf(client, filters);
  const at = rows.findIndex((row) => row.id === id);
  const isNext = (row: ReviewSummary): boolean => row.id !== id && isDecidable(row, me);
  const known = rows.slice(at + 1).find(isNext) ?? rows.slice(0, Math.max(at, 0)).find(isNext);
  if (known) return known.id;
  const { data } = await summaries({ ...filters, decidable: true, limit: 2 });
  return data.find(isNext)?.id ?? null;
}

/** Which place a job has in a list, from 1; null: none. */
export function placeOf(pages: SummaryPage[], id: string): { place: number; total: number } | null {
  const at = pages.flatMap(({ data }) => data).findIndex((row) => row.id === id);
  return at === -1 ? null : { place: at + 1, total: pages[0]?.total ?? 0 };
}

/** The job before or after another one that this reviewer may decide; beyond what is known of the list, as the gateway knows it. */
export async function neighbour(
  client: QueryClient,
  filters: Filters,
  id: string,
  step: 1 | -1,
  me: string,
): Promise<string | null> {
  const rows = rowsOf(client, filters);
  const at = rows.findIndex((row) => row.id === id);
  if (at === -1) return null;
  for (let index = at + step; rows[index]; index += step) {
    const row = rows[index];
    if (row && isDecidable(row, me)) return row.id;
  }
  const end = client.getQueryData<Pages>(keyOf(filters))?.pages.at(-1)?.next_cursor;
  if (step === -1 || end == null) return null;
  const { data } = await summaries({ ...filters, decidable: true, limit: 1, cursor: end });
  return data[0]?.id ?? null;
}

function rowsOf(client: QueryClient, filters: Filters): ReviewSummary[] {
  return client.getQueryData<Pages>(keyOf(filters))?.pages.flatMap(({ data }) => data) ?? [];
}

/** The row of a job in the list as it is known, from 0. */
export function rowOf(client: QueryClient, filters: Filters, id: string): { row?: number } {
  const row = rowsOf(client, filters).findIndex((each) => each.id === id);
  return row === -1 ? {} : { row };
}
