import { useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useCallback } from 'react';
import { useChanges, type JobChange } from '../api/live';
import { useReviewer } from '../reviewer';
import { Failed, Loading } from '../shell/states';
import { Desk } from './desk';
import { readAgain, reviewQuery } from './review-data';

const route = getRouteApi('/review/$id');

/** One job on the desk. */
export function ReviewPage() {
  const { id } = route.useParams();
  const filters = route.useSearch();
  const client = useQueryClient();
  const { state } = useReviewer();
  const { data, error, refetch } = useQuery(reviewQuery(id));
  useChanges(
    useCallback(
      (change: JobChange | null) => {
        if (change === null || change.job_id === id) void readAgain(client, reviewQuery(id).queryKey);
      },
      [client, id],
    ),
  );
  // A desk claims its job: not before one has a name.
  if (!data || state !== 'named')
    return (
      <>
        <h1 className="sr-only">Review</h1>
        {error ? <Failed error={error} reset={() => void refetch()} /> : <Loading what="the job" />}
      </>
    );
  return <Desk key={id} review={data} filters={filters} />;
}
