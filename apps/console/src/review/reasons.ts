import { useQuery } from '@tanstack/react-query';

export interface Reason {
  code: string;
  title: string;
}

/** What a project that has said nothing gives as reasons. */
const USUAL: Reason[] = ['incorrect', 'unsafe', 'incomplete', 'off_topic', 'tone', 'other'].map((code) => ({
  code,
  title: titleOf(code),
}));

function titleOf(code: string): string {
  const words = code.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** The reasons of whatever a policy says: a list of codes, or of codes with a title. */
function reasonsOf(policy: unknown): Reason[] {
  const reasons = (policy as { reasons?: unknown } | null)?.reasons;
  if (!Array.isArray(reasons)) return USUAL;
  const known = reasons.flatMap((reason: unknown): Reason[] => {
    if (typeof reason === 'string') return [{ code: reason, title: titleOf(reason) }];
    const { code, title } = reason as { code?: unknown; title?: unknown };
    return typeof code === 'string'
      ? [{ code, title: typeof title === 'string' ? title : titleOf(code) }]
      : [];
  });
  return known.length > 0 ? known : USUAL;
}

/** The project's reasons to reject. */
export function useReasons(): Reason[] {
  const { data } = useQuery({
    queryKey: ['reasons'],
    queryFn: async ({ signal }) => {
      // Not in the description yet: the gateway answers 404 until it has policies.
      const answer = await fetch('/v1/policies/current', { signal });
      return answer.ok ? reasonsOf(await answer.json()) : USUAL;
    },
    retry: false,
    placeholderData: USUAL,
  });
  return data ?? USUAL;
}
