import { useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useEffect, useMemo } from 'react';
import { messageOf } from '../api/problem';
import { BASE } from '../api/base';
import { Button } from '../ui/button';
import { Failed, Loading, Notice } from '../ui/states';
import { FilterBar } from './filter-bar';
import { isFiltered } from './filters';
import { knownNames, useQueue } from './queue-data';
import { QueueList } from './queue-list';

const route = getRouteApi('/queue');

/** What waits for a human, most urgent first. */
export function QueuePage() {
  const filters = route.useSearch();
  const navigate = route.useNavigate();
  const queue = useQueue(filters);
  const rows = useMemo(() => queue.data?.pages.flatMap(({ data }) => data) ?? [], [queue.data]);
  const client = useQueryClient();
  // eslint-disable-next-line react-hooks/exhaustive-deps -- rows have come: there may be new names
  const known = useMemo(() => knownNames(client), [client, rows]);
  const total = queue.data?.pages[0]?.total ?? 0;
  // A page of a search may have no rows although it is not the last one.
  const goesOn =
    queue.data?.pages.at(-1)?.data.length === 0 &&
    queue.hasNextPage &&
    !queue.isFetching &&
    !queue.isFetchNextPageError;
  useEffect(() => {
    if (goesOn) void queue.fetchNextPage();
  });
  return (
    <>
      <h1 className="sr-only">Queue</h1>
      <FilterBar
        filters={filters}
        known={known}
        total={queue.data ? total : null}
        onChange={(next) => void navigate({ search: next, replace: true })}
      />
      {queue.isError && rows.length === 0 ? (
        <Failed error={queue.error} reset={() => void queue.refetch()} />
      ) : queue.isPending || (rows.length === 0 && queue.hasNextPage) ? (
        <Loading what="the queue" />
      ) : rows.length === 0 ? (
        <Empty filtered={isFiltered(filters)} onClear={() => void navigate({ search: {} })} />
      ) : (
        <>
          <QueueList
            key={`${JSON.stringify(filters)} ${queue.isPlaceholderData}`}
            rows={rows}
            total={total}
            filters={filters}
            isOld={queue.isPlaceholderData}
            onEnd={() => {
              // A next page would cut short a list that is being read anew.
              if (queue.hasNextPage && !queue.isFetching && !queue.isFetchNextPageError)
                void queue.fetchNextPage();
            }}
          />
          {queue.isFetchNextPageError && (
            <p role="alert" className="flex items-center gap-3 border-t border-line px-4 py-2 text-bad">
              The rest of the list could not be read. {messageOf(queue.error)}
              <Button onClick={() => void queue.fetchNextPage()}>Try again</Button>
            </p>
          )}
        </>
      )}
    </>
  );
}

function Empty({ filtered, onClear }: { filtered: boolean; onClear: () => void }) {
  if (filtered) {
    return (
      <Notice
        title="Nothing matches these filters"
        action={<Button onClick={onClear}>Show all waiting jobs</Button>}
      />
    );
  }
  return (
    <Notice
      title="Nothing is waiting for you"
      action={
        <a className="button" href={`${BASE}/try`}>
          Try it: submit a request
        </a>
      }
    >
      New responses appear here automatically.
    </Notice>
  );
}
