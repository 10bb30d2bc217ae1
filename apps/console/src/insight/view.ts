import { BASE } from '../api/base';

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

/** The address of an export, with the filters that are given. */
export function exportOf(file: string, filters: Record<string, string | null | undefined>): string {
  const given = Object.entries(filters).filter((entry): entry is [string, string] => Boolean(entry[1]));
  return `${BASE}/v1/exports/${file}?${new URLSearchParams(given).toString()}`;
}

/** A share from 0 to 1 as people write it; a dash where there is none. */
export function percent(share: number | null): string {
  return share === null ? '–' : share.toLocaleString('en', { style: 'percent', maximumFractionDigits: 0 });
}
