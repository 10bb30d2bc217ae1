import { useQuery } from '@tanstack/react-query';
import { api, dataOf } from '../api/client';

export interface Reason {
  code: string;
  label: string;
}

/** The project's reasons to reject; none until the gateway has told them. */
export function useReasons(): Reason[] {
  const { data } = useQuery({
    queryKey: ['policy'],
    queryFn: ({ signal }) => dataOf(api.GET('/v1/policies/current', { signal })),
    select: ({ reject_reasons }) => reject_reasons,
  });
  return data ?? [];
}
