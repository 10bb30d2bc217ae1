import { useMutation, useQueryClient } from '@tanstack/react-query';
import { api, dataOf, type Review } from '../../api/client';
import { Button } from '../../ui/button';
import { tell } from '../../ui/messages';
import { refusalOf } from './decide';
import { reviewQuery } from '../../api/review-queries';

/** Makes an earlier answer the current one; offered while nothing is decided. */
export function UseAnswer({
  review,
  revision,
  children,
}: {
  review: Review;
  revision: number;
  children: string;
}) {
  const client = useQueryClient();
  const { id, revision: current } = review;
  const restore = useMutation({
    mutationFn: () =>
      dataOf(
        api.POST('/v1/reviews/{id}/revisions/{revision}/restore', {
          params: { path: { id, revision }, header: { 'If-Match': `"${current}"` } },
        }),
      ),
    onSuccess: (restored) => {
      client.setQueryData(reviewQuery(id).queryKey, restored);
      tell({ text: `Response ${revision} waits again, as response ${restored.revision}.` });
    },
    onError: (error) => {
      tell({ text: `Not changed. ${refusalOf(error)}`, tone: 'bad' });
      void client.invalidateQueries(reviewQuery(id));
    },
  });
  const isOpen = review.status === 'bot' || (review.status === 'human' && review.review.held === null);
  if (!isOpen) return null;
  return (
    <Button disabled={restore.isPending} onClick={() => restore.mutate()}>
      {children}
    </Button>
  );
}
