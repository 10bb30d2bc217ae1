import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { DecisionFilters } from '../decisions/decision-filters';

/** A number that leads to the decisions behind it; null: there are none. */
export function ToDecisions({ of, children }: { of: DecisionFilters | null; children: ReactNode }) {
  if (of === null) return children;
  return (
    <Link
      to="/decisions"
      search={of}
      className="underline decoration-dim decoration-1 underline-offset-2 hover:decoration-current"
      title="Show these decisions"
    >
      {children}
    </Link>
  );
}
