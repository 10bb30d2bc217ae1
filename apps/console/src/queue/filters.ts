/** Which jobs the queue shows: the part of the address after `?`. */
export interface Filters {
  q?: string;
  model?: string;
  rule?: string;
  group?: string;
  /** Only what has none. */
  without?: (typeof NAMES)[number];
  claimed_by?: string;
  unclaimed?: true;
  /** Only what the reviewer who looks may decide. */
  decidable?: true;
  priority?: number;
}

const NAMES = ['model', 'rule', 'group'] as const;
const TEXTS = ['q', ...NAMES, 'claimed_by'] as const;

/** Reads filters from an address that anybody may have written. */
export function filtersOf(search: Record<string, unknown>): Filters {
  const filters: Filters = {};
  for (const name of TEXTS) {
    // The router reads `?q=12` as a number.
    const value = search[name];
    const text = typeof value === 'string' || typeof value === 'number' ? String(value).slice(0, 200) : '';
    if (text !== '') filters[name] = text;
  }
  const without = NAMES.find((name) => name === search.without);
  if (without !== undefined && filters[without] === undefined) filters.without = without;
  if (search.unclaimed === true || search.unclaimed === 'true') filters.unclaimed = true;
  if (search.decidable === true || search.decidable === 'true') filters.decidable = true;
  const priority = Number(search.priority ?? NaN);
  if (Number.isInteger(priority) && priority >= 0 && priority <= 9) filters.priority = priority;
  return filters;
}

export function isFiltered(filters: Filters): boolean {
  return Object.keys(filters).length > 0;
}
