import { describe, expect, it } from '@jest/globals';
import { decisionFiltersOf, exportFiltersOf } from './decision-filters';

describe('the filters of an address', () => {
  it('are what the address says', () => {
    const search = {
      from: '2026-01-01T00:00:00Z',
      model: 4,
      verdict: 'expired',
      by: 'policy',
      final: 'true',
      without: 'rule',
      pairs: 'double',
    };
    expect(decisionFiltersOf(search)).toEqual({ ...search, model: '4', final: true });
  });

  it('are of a name rather than of none', () => {
    expect(decisionFiltersOf({ model: 'a', without: 'model' })).toEqual({ model: 'a' });
  });

  it.each([
    {},
    { without: 'group', pairs: 'x', missed_deadline: 1 },
    { model: '', verdict: 'x', by: 'me' },
    { rule: ['a'], group: {}, final: false, more: 1 },
  ])('are none for %j', (search) => {
    expect(decisionFiltersOf(search)).toEqual({});
  });
});

it('gives filters to an export, unless there is one that it does not know', () => {
  expect(exportFiltersOf({ from: 'x', reviewer: 'alice', verdict: 'edit' })).toEqual({
    from: 'x',
    reviewer: 'alice',
    verdict: 'edit',
  });
  expect(exportFiltersOf({ verdict: 'expired' })).toBe(null);
  expect(exportFiltersOf({ rule: 'x', final: true })).toBe(null);
  expect(exportFiltersOf({ without: 'model' })).toBe(null);
});
