import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';
import type { ReviewSummary } from '../api/client';
import { useKeys } from '../keys/use-keys';
import { prefetchReview } from '../api/review-queries';
import { BulkBar } from './bulk-bar';
import type { Filters } from './filters';
import { keepPlace, placeIn } from './place';
import { HeaderRow, QueueRow, ROW_HEIGHT } from './queue-row';
import { useSteadyScroll } from './steady-scroll';
import { Button } from '../ui/button';

/** Rows before the end at which the next page is asked for. */
const NEAR_END = 60;

interface QueueListProps {
  rows: ReviewSummary[];
  total: number;
  filters: Filters;
  /** Whether these are still the rows of other filters, on which no key acts. */
  isOld: boolean;
  onEnd: () => void;
}

/** Thousands of rows, of which only those in sight are on the page. */
export function QueueList({ rows, total, filters, isOld, onEnd }: QueueListProps) {
  const navigate = useNavigate();
  const client = useQueryClient();
  const scroller = useRef<HTMLDivElement>(null);
  const [before] = useState(() => placeIn(filters));
  const [active, setActive] = useState(
    // Where the job has gone, the one that took its place is next.
    () =>
      rows.some(({ id }) => id === before.active)
        ? before.active
        : (rows[Math.min(before.row, rows.length - 1)]?.id ?? null),
  );
  /** The revision that was seen when each was selected. */
  const [selected, setSelected] = useState(before.selected);
  const [anchor, setAnchor] = useState<string | null>(null);

  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    getItemKey: (index) => rows[index]?.id ?? index,
    overscan: 12,
    initialOffset: before.top,
  });
  const steady = useSteadyScroll(scroller, rows, active);
  const items = virtual.getVirtualItems();
  const lastShown = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (lastShown >= rows.length - NEAR_END) onEnd();
  }, [lastShown, rows.length, onEnd]);

  const activeIndex = rows.findIndex(({ id }) => id === active);
  useEffect(() => {
    keepPlace(filters, { active, selected, ...(activeIndex !== -1 && { row: activeIndex }) });
  }, [filters, active, activeIndex, selected]);
  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return undefined;
    // The cursor is told to whoever cannot see it only while the list has the focus.
    if (document.activeElement === document.body) element.focus({ preventScroll: true });
    return () => keepPlace(filters, { top: element.scrollTop });
  }, [filters]);
  const atFirst = useRef(activeIndex);
  useEffect(() => {
    const top = atFirst.current * ROW_HEIGHT;
    const element = scroller.current;
    if (!element || top < 0) return;
    if (top < element.scrollTop || top + 2 * ROW_HEIGHT > element.scrollTop + element.clientHeight)
      virtual.scrollToIndex(atFirst.current, { align: 'center' });
  }, [virtual]);
  const open = ({ id }: ReviewSummary): void => {
    keepPlace(filters, { active: id });
    void navigate({ to: '/review/$id', params: { id }, search: filters });
  };
  const moveTo = (index: number): void => {
    const row = rows[Math.max(0, Math.min(rows.length - 1, index))];
    if (!row) return;
    setActive(row.id);
    virtual.scrollToIndex(rows.indexOf(row));
    prefetchReview(client, row.id);
  };
  const toggle = ({ id, revision }: ReviewSummary, range: boolean): void => {
    const next = new Map(selected);
    const from = rows.findIndex((row) => row.id === anchor);
    const to = rows.findIndex((row) => row.id === id);
    if (range && from !== -1) {
      for (const row of rows.slice(Math.min(from, to), Math.max(from, to) + 1))
        next.set(row.id, row.revision);
    } else if (next.get(id) === revision) next.delete(id);
    else next.set(id, revision);
    setSelected(next);
    setAnchor(id);
  };
  const latest = useRef({ open, toggle });
  useEffect(() => {
    latest.current = { open, toggle };
  });
  const onOpen = useCallback((row: ReviewSummary) => latest.current.open(row), []);
  const onToggle = useCallback((row: ReviewSummary, range: boolean) => latest.current.toggle(row, range), []);
  const activeRow = rows[activeIndex];
  // Where the job under the cursor has gone, its row is where the next one is.
  const goneFrom = active === null ? 0 : Math.max(0, placeIn(filters).row);
  useKeys(
    isOld
      ? {}
      : {
          next: () => moveTo(activeIndex === -1 ? goneFrom : activeIndex + 1),
          previous: () => moveTo(activeIndex === -1 ? goneFrom - 1 : activeIndex - 1),
          ...(activeRow && {
            open: () => open(activeRow),
            history: () => void navigate({ to: '/history/$id', params: { id: activeRow.id } }),
            select: () => toggle(activeRow, false),
          }),
        },
  );

  const chosen = rows.filter(({ id, revision }) => selected.get(id) === revision);
  const changed = rows.filter(({ id, revision }) => (selected.get(id) ?? revision) !== revision).length;
  return (
    <>
      <div className="relative flex min-h-24 flex-1 flex-col">
        <div
          ref={scroller}
          role="grid"
          aria-label="Waiting jobs, most urgent first"
          aria-rowcount={total + 1}
          aria-multiselectable="true"
          aria-activedescendant={active === null ? undefined : `row-${active}`}
          tabIndex={0}
          className="min-h-0 flex-1 overflow-auto outline-offset-[-2px] [overflow-anchor:none] scroll-pt-8"
          onMouseLeave={() => steady.hover(null)}
        >
          <HeaderRow />
          <div role="rowgroup" className="relative" style={{ height: virtual.getTotalSize() }}>
            {items.map(({ index, start }) => {
              const row = rows[index];
              return (
                row && (
                  <QueueRow
                    key={row.id}
                    row={row}
                    index={index}
                    top={start}
                    active={row.id === active}
                    selected={selected.get(row.id) === row.revision}
                    onOpen={onOpen}
                    onToggle={onToggle}
                    onHover={steady.hover}
                  />
                )
              );
            })}
          </div>
        </div>
        {steady.above > 0 && (
          <Button look="accent" className="m-1 shrink-0 self-center" onClick={steady.toTop}>
            ↑ {steady.above} new
          </Button>
        )}
      </div>
      {chosen.length > 0 && <BulkBar rows={chosen} changed={changed} onDone={() => setSelected(new Map())} />}
    </>
  );
}
