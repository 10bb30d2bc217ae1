import { describe, expect, it } from '@jest/globals';
import type { ReviewSummary, SummaryPage } from '../api/client';
import { mergePages } from './merge';

const row = (id: string, priority = 0, asked = id) => ({ id, priority, asked }) as ReviewSummary;
const page = (rows: ReviewSummary[], has_more: boolean, total = 10): SummaryPage => ({
  data: rows,
  has_more,
  next_cursor: has_more ? 'cursor' : null,
  total,
});
const ids = (pages: SummaryPage[]) => pages.map(({ data }) => data.map(({ id }) => id).join(''));

describe('a list with what has become of some jobs', () => {
  const pages = [page([row('c', 9), row('a', 5)], true), page([row('b', 5), row('d')], false)];

  it('shows what changed in its place, and leaves the other rows untouched', () => {
    const merged = mergePages(pages, ['a'], [row('a', 5, 'claimed')]);
    expect(ids(merged)).toEqual(['ca', 'bd']);
    expect(merged[0]!.data[1]!.asked).toBe('claimed');
    expect(merged[0]!.data[0]).toBe(pages[0]!.data[0]);
  });

  it('loses what waits no more, and counts it', () => {
    const merged = mergePages(pages, ['a', 'd', 'never seen'], []);
    expect(ids(merged)).toEqual(['c', 'b']);
    expect(merged.map(({ total }) => total)).toEqual([8, 8]);
  });

  it('puts what is new where it belongs: by priority, then by age', () => {
    const merged = mergePages(pages, ['e', 'f', 'g'], [row('e', 9), row('f', 5), row('g')]);
    expect(ids(merged)).toEqual(['cea', 'bfdg']);
    expect(merged[0]!.total).toBe(13);
  });

  it('leaves what belongs after its end to the page that comes next', () => {
    const open = [page([row('a', 5)], true)];
    const merged = mergePages(open, ['z'], [row('z', 1)]);
    expect(ids(merged)).toEqual(['a']);
    expect(merged[0]!.total).toBe(11);
    expect(mergePages(open, ['z'], [row('z', 1)], 10)[0]!.total).toBe(10);
  });

  it('takes what is new into an empty list', () => {
    expect(ids(mergePages([page([], false, 0)], ['a'], [row('a')]))).toEqual(['a']);
  });
});
