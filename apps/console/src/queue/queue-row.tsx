import { Link } from '@tanstack/react-router';
import { memo } from 'react';
import type { ReviewSummary } from '../api/client';
import { AutomaticEndChip } from '../verdicts/automatic-end-chip';
import { isDecidable, SHORT } from '../verdicts/obstacle';
import { reviewer } from '../api/reviewer';
import { useNow } from '../store/clock';
import { visible } from '../text/hygiene';
import { lineOf } from '../text/line';
import { age, countdown } from '../text/time';

/** Notes that the gateway counts at most. */
const MAX_COUNTED = 100;
/** Height of a row, in pixels: the same for all, so that the list knows where each one is. */
export const ROW_HEIGHT = 38;

const COLUMNS =
  'grid items-center gap-3 px-4 grid-cols-[20px_minmax(0,1fr)_16px_40px] max-sm:gap-2 sm:grid-cols-[20px_minmax(0,1fr)_64px_64px_96px] lg:grid-cols-[20px_minmax(0,1fr)_minmax(0,150px)_minmax(0,130px)_minmax(0,130px)_64px_56px_96px]';

export function HeaderRow() {
  return (
    <div role="rowgroup" className="sticky top-0 z-10">
      <div
        role="row"
        aria-rowindex={1}
        className={`${COLUMNS} h-8 border-b border-line bg-page text-xs text-dim`}
      >
        <span role="columnheader">
          <span className="sr-only">Selected</span>
        </span>
        <span role="columnheader">Asked</span>
        <span role="columnheader" className="max-lg:hidden">
          Model
        </span>
        <span role="columnheader" className="max-lg:hidden">
          Rule
        </span>
        <span role="columnheader" className="max-lg:hidden">
          Holder
        </span>
        <span role="columnheader" className="text-right">
          <span className="max-sm:sr-only">Priority</span>
        </span>
        <span role="columnheader" className="text-right">
          Age
        </span>
        <span role="columnheader" className="text-right max-sm:hidden">
          Deadline
        </span>
      </div>
    </div>
  );
}

interface QueueRowProps {
  row: ReviewSummary;
  index: number;
  top: number;
  active: boolean;
  selected: boolean;
  onOpen: (row: ReviewSummary) => void;
  onToggle: (row: ReviewSummary, range: boolean) => void;
  onHover: (id: string) => void;
}

/** One job in one line. Rows that have not changed are not drawn again. */
export const QueueRow = memo(function QueueRow({
  row,
  index,
  top,
  active,
  selected,
  onOpen,
  onToggle,
  onHover,
}: QueueRowProps) {
  const now = useNow();
  const deadline = countdown(row.automatic_step?.at ?? row.deadline_at, now);
  const asked = visible(lineOf(row.asked));
  const obstacle = isDecidable(row, reviewer()) ? null : (row.not_decidable_because ?? 'pending_decision');
  return (
    <div
      role="row"
      id={`row-${row.id}`}
      aria-rowindex={index + 2}
      aria-selected={selected}
      title={obstacle === null ? undefined : `You cannot decide this: ${SHORT[obstacle]}`}
      className={`${COLUMNS} ${obstacle === null ? '' : 'text-dim'} absolute inset-x-0 cursor-pointer border-b border-line ${selected || active ? 'bg-chosen' : 'hover:bg-sunken'} ${active ? 'shadow-[inset_3px_0_0_var(--accent)]' : ''}`}
      style={{ height: ROW_HEIGHT, transform: `translateY(${top}px)` }}
      onMouseMove={() => onHover(row.id)}
      onClick={(event) => {
        if (event.shiftKey) onToggle(row, true);
        else onOpen(row);
      }}
    >
      <span role="gridcell" className="flex">
        <input
          type="checkbox"
          tabIndex={-1}
          aria-label={`Select: ${asked.slice(0, 60)}`}
          checked={selected}
          onClick={(event) => {
            event.stopPropagation();
            onToggle(row, event.shiftKey);
          }}
          onChange={() => undefined}
        />
      </span>
      <span
        role="gridcell"
        className="flex min-w-0 items-center gap-2 max-xl:flex-col max-xl:items-stretch max-xl:gap-0 max-xl:leading-[18px]"
      >
        <span className="truncate" dir="auto">
          {asked || <em className="text-dim">nothing</em>}
        </span>
        <span className="flex min-w-0 gap-2 overflow-hidden empty:hidden max-sm:gap-1 max-sm:[&_.chip]:text-[11px] xl:shrink-0 max-xl:leading-4 max-xl:[&_.chip]:border-0 max-xl:[&_.chip]:p-0 max-xl:[&_.chip+.chip]:min-w-0 max-xl:[&_.chip+.chip]:shrink">
          <AutomaticEndChip row={row} now={now} />
          {row.rejected_by.length > 0 && (
            <span
              className="chip shrink-0 !border-current text-bad"
              title={`Rejected by ${row.rejected_by.join(', ')}`}
            >
              {row.rejected_by.length === 1 ? 'rejected' : `${row.rejected_by.length} rejected`}
            </span>
          )}
          {row.violations > 0 && (
            <span
              className="chip shrink-0 border-warn text-warn"
              title="The response is not, or may not be, what the request asks for"
            >
              breaks its form
            </span>
          )}
          {row.client === 'gone' && (
            <span
              className="chip shrink-0 !text-warn"
              title="The client that waited for the response has disconnected"
            >
              client gone
            </span>
          )}
          {row.notes_count > 0 && (
            <span className="chip shrink-0" title="Notes of reviewers">
              {row.notes_count}
              {row.notes_count >= MAX_COUNTED && '+'} {row.notes_count === 1 ? 'note' : 'notes'}
            </span>
          )}
        </span>
      </span>
      <span role="gridcell" className="truncate text-dim max-lg:hidden">
        {visible(row.model ?? '')}
      </span>
      <span role="gridcell" className="truncate text-dim max-lg:hidden">
        {visible(row.rule ?? '')}
      </span>
      <span role="gridcell" className="truncate text-dim max-lg:hidden">
        <Holder row={row} now={now} />
      </span>
      <span
        role="gridcell"
        className={`text-right tabular-nums ${row.priority >= 7 ? 'font-semibold text-bad' : 'text-dim'}`}
      >
        {row.priority}
      </span>
      <span role="gridcell" className="text-right text-dim tabular-nums">
        <Link
          to="/history/$id"
          params={{ id: row.id }}
          preload={false}
          tabIndex={-1}
          title="History"
          className="hover:text-accent hover:underline"
          onClick={(event) => event.stopPropagation()}
        >
          {age(row.since, now)}
        </Link>
      </span>
      <span
        role="gridcell"
        className={`text-right tabular-nums max-sm:hidden ${deadline?.urgency === 'over' ? 'font-semibold text-bad' : deadline?.urgency === 'soon' ? 'text-warn' : 'text-dim'}`}
      >
        {deadline?.text}
      </span>
    </div>
  );
});

/** Who is at it, or what keeps it. */
function Holder({ row, now }: { row: ReviewSummary; now: number }) {
  if (row.held) return `${row.held.verdict} by ${row.held.by}`;
  if (row.claim && Date.parse(row.claim.until) > now) {
    return row.claim.by === reviewer() ? (
      <span className="chip border-accent text-accent">you</span>
    ) : (
      row.claim.by
    );
  }
  const { not_decidable_because: obstacle } = row;
  if (
    obstacle === 'four_eyes' ||
    obstacle === 'already_voted' ||
    obstacle === 'other_group' ||
    obstacle === 'not_planned'
  )
    return obstacle === 'other_group' ? `for ${visible(row.group ?? '')}, not you` : SHORT[obstacle];
  if (row.approvals > 1) return `${row.approved_by.length} of ${row.approvals} approved`;
  if (row.group !== null) return `for ${visible(row.group)}`;
  return null;
}
