/** The lengths of time that the figures are of. */
export const SPANS = {
  '24h': { name: '24 hours', ms: 86_400_000 },
  '7d': { name: '7 days', ms: 7 * 86_400_000 },
  '30d': { name: '30 days', ms: 30 * 86_400_000 },
} as const;

export type Span = keyof typeof SPANS;

/** What the figures are of: the part of the address after `?`. */
export interface View {
  window?: Span;
  model?: string;
  group?: string;
}

export const DEFAULT_SPAN: Span = '7d';

/** Reads a view from an address that anybody may have written. */
export function viewOf(search: Record<string, unknown>): View {
  const view: View = {};
  const span = (Object.keys(SPANS) as Span[]).find((each) => each === search.window);
  if (span !== undefined && span !== DEFAULT_SPAN) view.window = span;
  for (const name of ['model', 'group'] as const) {
    // The router reads `?model=4` as a number.
    const value = search[name];
    const text = typeof value === 'string' || typeof value === 'number' ? String(value).slice(0, 200) : '';
    if (text !== '') view[name] = text;
  }
  return view;
}
