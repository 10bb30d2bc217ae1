import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useReviewer } from '../api/reviewer';
import { Failed, Loading } from '../ui/states';
import { Desk } from './desk';
import { reviewQuery } from '../api/review-queries';

const route = getRouteApi('/review/$id');

/** One job on the desk. */
export function ReviewPage() {
  const { id } = route.useParams();
  const filters = route.useSearch();
  const { state } = useReviewer();
  const { data, error, refetch } = useQuery(reviewQuery(id));
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
