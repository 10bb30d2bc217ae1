import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { Failed, Loading } from '../shell/states';
import { Desk } from './desk';
import { reviewQuery } from './review-data';

const route = getRouteApi('/review/$id');

/** One job on the desk. */
export function ReviewPage() {
  const { id } = route.useParams();
  const filters = route.useSearch();
  const { data, error, refetch } = useQuery(reviewQuery(id));
  if (!data)
    return (
      <>
        <h1 className="sr-only">Review</h1>
        {error ? <Failed error={error} reset={() => void refetch()} /> : <Loading what="the job" />}
      </>
    );
  return <Desk key={id} review={data} filters={filters} />;
}
