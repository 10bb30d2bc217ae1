import { UNIONS, type UnionOf } from '../api/unions';

/** Which decisions are listed: the part of the address after `?`. */
export interface DecisionFilters {
  from?: string;
  to?: string;
  model?: string;
  rule?: string;
  /** Only those that have none. */
  without?: 'model' | 'rule';
  reviewer?: string;
  group?: string;
  verdict?: UnionOf<'DecisionOutcome'>;
  by?: UnionOf<'Decider'>;
  at_deadline?: true;
  /** The same, and what expired. */
  missed_deadline?: true;
  /** Only what ended a job or sent it back; no votes. */
  final?: true;
  /** One per pair that an agreement is measured from: of two people, or of a person and a shadowed rule. */
  pairs?: UnionOf<'DecisionPair'>;
}

const TEXTS = ['from', 'to', 'model', 'rule', 'reviewer', 'group'] as const;

/** Reads filters from an address that anybody may have written. */
export function decisionFiltersOf(search: Record<string, unknown>): DecisionFilters {
  const filters: DecisionFilters = {};
  for (const name of TEXTS) {
    // The router reads `?model=4` as a number.
    const value = search[name];
    const text = typeof value === 'string' || typeof value === 'number' ? String(value).slice(0, 200) : '';
    if (text !== '') filters[name] = text;
  }
  const verdict = UNIONS.DecisionOutcome.find((each) => each === search.verdict);
  if (verdict !== undefined) filters.verdict = verdict;
  const by = UNIONS.Decider.find((each) => each === search.by);
  if (by !== undefined) filters.by = by;
  for (const name of ['at_deadline', 'missed_deadline', 'final'] as const) {
    if (search[name] === true || search[name] === 'true') filters[name] = true;
  }
  const without = (['model', 'rule'] as const).find((name) => name === search.without);
  // The server refuses both.
  if (without !== undefined && filters[without] === undefined) filters.without = without;
  const pairs = UNIONS.DecisionPair.find((each) => each === search.pairs);
  if (pairs !== undefined) filters.pairs = pairs;
  return filters;
}

/** The same filters for an export of decisions; null where it does not know one of them. */
export function exportFiltersOf({ from, to, model, rule, reviewer, verdict, ...unknown }: DecisionFilters) {
  const isKnown = verdict !== 'expired' && Object.keys(unknown).length === 0;
  return isKnown ? { from, to, model, rule, reviewer, verdict } : null;
}
