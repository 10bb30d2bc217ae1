import { UNIONS } from '../api/unions';
import type { ReactNode } from 'react';
import type { DecisionFilters } from '../decisions/decision-filters';
import { percent } from '../text/percent';
import { LOOKS } from '../verdicts/looks';
import { stacked, totalOf, type Counts } from './scale';
import { ToDecisions } from './to-decisions';

interface VerdictTableProps {
  title: string;
  /** What the rows are of. */
  of: string;
  rows: {
    key: string;
    name: ReactNode;
    counts: Counts;
    /** The decisions of a verdict, or all of them. */
    decisions: (verdict?: keyof Counts) => DecisionFilters;
  }[];
}

/** Shares of verdicts: a bar in which they add up, and the numbers beside it. */
export function VerdictTable({ title, of, rows }: VerdictTableProps) {
  return (
    <div className="panel relative overflow-x-auto p-4" tabIndex={0} role="group" aria-label={title}>
      <table className="figures min-w-2xl table-fixed">
        <thead>
          <tr>
            <th scope="col" className="w-1/5">
              {of}
            </th>
            <th scope="col" className="w-1/4">
              <span className="sr-only">Shares</span>
            </th>
            {UNIONS.Verdict.map((verdict) => (
              <th key={verdict} scope="col" className="number">
                <span className="inline-flex items-center gap-1.5">
                  <span aria-hidden="true" className={`size-2.5 rounded-xs ${LOOKS[verdict].back}`} />
                  {LOOKS[verdict].name}
                </span>
              </th>
            ))}
            <th scope="col" className="number">
              all
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ key, name, counts, decisions }) => (
            <tr key={key}>
              <th scope="row" className="truncate">
                {name}
              </th>
              <td className="!align-middle">
                <ShareBar counts={counts} />
              </td>
              {UNIONS.Verdict.map((verdict) => (
                <td key={verdict} className="number">
                  <Share count={counts[verdict]} of={totalOf(counts)} decisions={decisions(verdict)} />
                </td>
              ))}
              <td className="number">
                <ToDecisions of={decisions()}>{totalOf(counts).toLocaleString('en')}</ToDecisions>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function ShareBar({ counts }: { counts: Counts }) {
  const total = totalOf(counts);
  return (
    <svg aria-hidden="true" viewBox="0 0 100 10" preserveAspectRatio="none" className="block h-3 w-full">
      {stacked(counts, UNIONS.Verdict).map(({ name, from, to }) => (
        <rect
          key={name}
          x={(100 * from) / total}
          width={Math.max(0.3, (100 * (to - from)) / total - 0.4)}
          height="10"
          className={LOOKS[name].fill}
        />
      ))}
    </svg>
  );
}

interface ShareProps {
  count: number;
  of: number;
  decisions: DecisionFilters;
}

function Share({ count, of, decisions }: ShareProps) {
  if (count === 0) return <span className="text-dim">0</span>;
  return (
    <ToDecisions of={decisions}>
      {count.toLocaleString('en')} <span className="text-dim">({percent(count / of)})</span>
    </ToDecisions>
  );
}
