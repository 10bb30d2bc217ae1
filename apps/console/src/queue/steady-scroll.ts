import { useCallback, useEffect, useLayoutEffect, useRef, useState, type RefObject } from 'react';
import type { ReviewSummary } from '../api/client';
import { ROW_HEIGHT } from './queue-row';

/**
 * Keeps the row that one looks at where it is while others come and go: the one under the pointer, else the one under
 * the keyboard's cursor, else the first in sight. Counts what came in above.
 */
export function useSteadyScroll(
  scroller: RefObject<HTMLDivElement | null>,
  rows: ReviewSummary[],
  active: string | null,
): { hover: (id: string | null) => void; above: number; toTop: () => void } {
  const hovered = useRef<string | null>(null);
  const before = useRef(rows);
  const [above, setAbove] = useState(0);

  useLayoutEffect(() => {
    const element = scroller.current;
    const old = before.current;
    before.current = rows;
    if (!element || old === rows) return;
    const oldIndex = new Map(old.map(({ id }, index) => [id, index]));
    const newIndex = new Map(rows.map(({ id }, index) => [id, index]));
    const first = Math.floor(element.scrollTop / ROW_HEIGHT);
    const isInSight = (id: string): boolean => {
      const index = oldIndex.get(id) ?? -1;
      return index >= first - 1 && index * ROW_HEIGHT < element.scrollTop + element.clientHeight;
    };
    const wanted = [hovered.current, active].filter((id) => id !== null && isInSight(id));
    if (wanted.length === 0 && element.scrollTop < ROW_HEIGHT) return;
    // The anchor itself may be gone: then the next one that is still there.
    const start = oldIndex.get(wanted[0] ?? '') ?? first;
    const kept = old.slice(start).find(({ id }) => newIndex.has(id));
    if (!kept) return;
    const moved = (newIndex.get(kept.id) ?? 0) - (oldIndex.get(kept.id) ?? 0);
    // Where the anchor went, the one after it takes its place.
    const shift = moved + (oldIndex.get(kept.id) ?? 0) - start;
    if (shift === 0) return;
    element.scrollTop += shift * ROW_HEIGHT;
    if (shift > 0) setAbove((count) => count + shift);
  }, [scroller, rows, active]);

  useEffect(() => {
    const element = scroller.current;
    const onScroll = (): void => {
      if (element && element.scrollTop < ROW_HEIGHT / 2) setAbove(0);
    };
    element?.addEventListener('scroll', onScroll, { passive: true });
    return () => element?.removeEventListener('scroll', onScroll);
  }, [scroller]);

  return {
    hover: useCallback((id: string | null) => {
      hovered.current = id;
    }, []),
    above,
    toTop: useCallback(() => {
      scroller.current?.scrollTo({ top: 0 });
      setAbove(0);
    }, [scroller]),
  };
}
