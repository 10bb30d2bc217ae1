import { useQuery } from '@tanstack/react-query';
import { api, dataOf } from '../api/client';

export interface Reason {
  code: string;
  label: string;
}

/** What stands there until the gateway has told the project's own. */
const DEFAULTS: Reason[] = ['incorrect', 'unsafe', 'incomplete', 'off_topic', 'tone', 'other'].map(
  (code) => ({
    code,
    label: code.charAt(0).toUpperCase() + code.slice(1).replaceAll('_', ' '),
  }),
);

/** The project's reasons to reject. */
export function useReasons(): Reason[] {
  const { data } = useQuery({
    queryKey: ['policy'],
    queryFn: ({ signal }) => dataOf(api.GET('/v1/policies/current', { signal })),
    select: ({ reject_reasons }) => reject_reasons,
  });
  return data && data.length > 0 ? data : DEFAULTS;
}
