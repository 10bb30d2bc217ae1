import type { Filters } from './filters';

/** Where one was in a list. */
interface Place {
  /** How far it was scrolled, in pixels. */
  top: number;
  /** The job under the cursor, and its row: where the job is gone, the row stays. */
  active: string | null;
  row: number;
  /** The revision that was seen when each was selected. */
  selected: ReadonlyMap<string, number>;
}

const START: Place = { top: 0, active: null, row: -1, selected: new Map() };
/** The list that was shown last. */
let last = { key: '', place: START };

const keyOf = (filters: Filters): string => JSON.stringify(filters);

/** Where one was in this list, if it is the one that was shown last; else its beginning. */
export function placeIn(filters: Filters): Place {
  return last.key === keyOf(filters) ? last.place : START;
}

/** Keeps where one is in a list, so that one comes back to it. */
export function keepPlace(filters: Filters, change: Partial<Place>): void {
  last = { key: keyOf(filters), place: { ...placeIn(filters), ...change } };
}
