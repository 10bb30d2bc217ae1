import type { ReviewSummary, SummaryPage } from '../api/client';

/** Whether `a` comes before `b`: the more urgent first, then the older; ids sort by time. */
function isBefore(a: ReviewSummary, b: ReviewSummary): boolean {
  return a.priority === b.priority ? a.id < b.id : a.priority > b.priority;
}

/**
 * Pages of a list with what has become of some of its jobs. Rows keep their object where nothing changed; the ends of
 * pages stay, so that the next page still follows.
 * @param changed ids that were asked for
 * @param found those of them that belong to the list now
 * @param total how many rows there are, where more of them are not here; otherwise they are counted
 */
export function mergePages(
  pages: SummaryPage[],
  changed: string[],
  found: ReviewSummary[],
  total?: number,
): SummaryPage[] {
  const gone = new Set(changed);
  const known = new Set(pages.flatMap(({ data }) => data.map(({ id }) => id)));
  const fresh = new Map(found.map((row) => [row.id, row]));
  const arrived = found.filter(({ id }) => !known.has(id));
  let lost = 0;
  const merged = pages.map((page, index) => {
    const data = page.data
      .filter(({ id }) => !gone.has(id) || fresh.has(id))
      .map((row) => fresh.get(row.id) ?? row);
    lost += page.data.length - data.length;
    const last = page.data.at(-1);
    const isEnd = index === pages.length - 1 && !page.has_more;
    // What sorts after a page that is not the last belongs to one that is not here yet.
    const mine = arrived.filter((row) => isEnd || (last !== undefined && isBefore(row, last)));
    for (const row of mine) {
      arrived.splice(arrived.indexOf(row), 1);
      const at = data.findIndex((other) => isBefore(row, other));
      data.splice(at === -1 ? data.length : at, 0, row);
    }
    return { ...page, data };
  });
  const came = found.filter(({ id }) => !known.has(id)).length;
  return merged.map((page) => ({ ...page, total: total ?? Math.max(0, page.total + came - lost) }));
}
