import type { Stats } from '../api/client';
import type { DecisionFilters } from '../decisions/decision-filters';
import type { View } from './view';

/** The filters of the queue that fit a view. */
export type Waits = Pick<View, 'model' | 'group'>;

/** The filters of the list of decisions behind a figure. */
export type Decisions = (of: DecisionFilters) => DecisionFilters;

/** What waits, in the words of the queue's address. */
export function waitsOf({ model, group }: View): Waits {
  return { ...(model !== undefined && { model }), ...(group !== undefined && { group }) };
}

/** The decisions of a view, in the words of their list's address. */
export function decisionsOf(window: Stats['window'], view: View): Decisions {
  return (of) => ({ ...window, ...waitsOf(view), ...of });
}
