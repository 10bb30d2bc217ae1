import type { ReactNode } from 'react';
import { LOOKS } from './legend';
import { stacked, totalOf, VERDICTS, type Counts } from './scale';
import { percent } from './view';

interface VerdictTableProps {
  title: string;
  /** What the rows are of. */
  of: string;
  rows: {
    key: string;
    name: ReactNode;
    counts: Counts;
    /** Where the decisions of a verdict are; null: nowhere. */
    file: ((verdict: keyof Counts) => string) | null;
  }[];
}

/** Shares of verdicts: a bar in which they add up, and the numbers beside it. */
export function VerdictTable({ title, of, rows }: VerdictTableProps) {
  return (
    <div className="panel relative overflow-x-auto p-4" tabIndex={0} role="group" aria-label={title}>
      <table className="figures">
        <thead>
          <tr>
            <th scope="col" className="w-1/5 min-w-24">
              {of}
            </th>
            <th scope="col" className="w-2/5 min-w-24">
              <span className="sr-only">Shares</span>
            </th>
            {VERDICTS.map((verdict) => (
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
          {rows.map(({ key, name, counts, file }) => (
            <tr key={key}>
              <th scope="row" className="max-w-48 truncate">
                {name}
              </th>
              <td className="!align-middle">
                <ShareBar counts={counts} />
              </td>
              {VERDICTS.map((verdict) => (
                <td key={verdict} className="number">
                  <Share
                    count={counts[verdict]}
                    of={totalOf(counts)}
                    href={file === null ? null : file(verdict)}
                  />
                </td>
              ))}
              <td className="number">{totalOf(counts).toLocaleString('en')}</td>
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
      {stacked(counts, VERDICTS).map(({ name, from, to }) => (
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

function Share({ count, of, href }: { count: number; of: number; href: string | null }) {
  if (count === 0) return <span className="text-dim">0</span>;
  const text = `${count.toLocaleString('en')} (${percent(count / of)})`;
  if (href === null) return text;
  return (
    <a
      href={href}
      download
      className="underline decoration-dim underline-offset-2 hover:decoration-current"
      title="Download these decisions"
    >
      {text}
    </a>
  );
}
