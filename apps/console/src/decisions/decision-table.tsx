import { Link } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import type { ListedDecision } from '../api/client';
import { LOOKS } from '../verdicts/looks';
import { percent } from '../text/percent';
import { useKeys } from '../keys/use-keys';
import { useNow } from '../store/clock';
import { visible } from '../text/hygiene';
import { lineOf } from '../text/line';
import { age, moment } from '../text/time';

/** The row that was opened last, and of which list, so that one comes back to it. */
let lastOpened: { list: string; id: string } | null = null;

/** Decisions, one line each; the keys for the next and the previous one move the focus, so that Enter opens the job. */
export function DecisionTable({ rows, list }: { rows: ListedDecision[]; list: string }) {
  const table = useRef<HTMLTableElement>(null);
  const links = () => [...(table.current?.querySelectorAll<HTMLElement>('tbody a') ?? [])];
  const move = (step: 1 | -1): void => {
    const all = links();
    const at = all.findIndex((link) => link === document.activeElement);
    all[at === -1 ? 0 : at + step]?.focus();
  };
  useKeys({ next: () => move(1), previous: () => move(-1) });
  useEffect(() => {
    if (lastOpened?.list !== list) return;
    table.current?.querySelector<HTMLElement>(`[data-id="${lastOpened.id}"]`)?.focus();
    lastOpened = null;
  }, [list]);
  return (
    <div className="panel p-2">
      <table ref={table} className="figures table-fixed">
        <caption className="sr-only">Decisions, newest first</caption>
        <thead>
          <tr>
            <th scope="col" className="w-14">
              When
            </th>
            <th scope="col">Asked</th>
            <th scope="col" className="w-72 max-lg:w-40 max-sm:w-28">
              Verdict
            </th>
            <th scope="col" className="w-28 max-sm:hidden">
              By
            </th>
            <th scope="col" className="w-28 max-lg:hidden">
              Model
            </th>
            <th scope="col" className="w-24 max-lg:hidden">
              Rule
            </th>
            <th scope="col" className="number w-18 max-sm:hidden">
              Changed
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.id} className="relative focus-within:bg-chosen hover:bg-sunken">
              <td className="text-dim">
                <When at={row.at} />
              </td>
              <td>
                <Link
                  to="/history/$id"
                  params={{ id: row.job_id }}
                  data-id={row.id}
                  // The whole row is to be clicked.
                  className="block truncate after:absolute after:inset-0"
                  onClick={() => {
                    lastOpened = { list, id: row.id };
                  }}
                >
                  {visible(lineOf(row.asked ?? '')) || <em className="text-dim">nothing</em>}
                </Link>
              </td>
              <td>
                <Verdict row={row} />
              </td>
              <td className="truncate max-sm:hidden">{visible(row.actor)}</td>
              <td className="truncate text-dim max-lg:hidden">{visible(row.model ?? '')}</td>
              <td className="truncate text-dim max-lg:hidden">{visible(row.rule ?? '')}</td>
              <td className="number max-sm:hidden">
                {row.edit_distance === null ? '' : percent(row.edit_distance)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function When({ at }: { at: string }) {
  return (
    <time className="relative z-1" dateTime={at} title={moment(at)}>
      {age(at, useNow())}
    </time>
  );
}

function Verdict({ row }: { row: ListedDecision }) {
  const { verdict, final, automatic, at_deadline, reason_code, paired_with: other } = row;
  const how = [
    reason_code === null ? '' : visible(reason_code),
    final ? '' : 'a vote',
    verdict === 'expired' ? 'nobody decided' : automatic ? 'by the policy' : '',
    verdict !== 'expired' && at_deadline ? 'at the deadline' : '',
  ].filter((each) => each !== '');
  return (
    <>
      {LOOKS[verdict].name}
      {how.length > 0 && <span className="text-xs text-dim"> {how.join(', ')}</span>}
      {other && (
        <span className={`block text-xs break-words ${other.verdict === verdict ? 'text-dim' : 'text-warn'}`}>
          {visible(other.actor)} {other.shadow && 'would have '}
          {LOOKS[other.verdict].name}
        </span>
      )}
    </>
  );
}
