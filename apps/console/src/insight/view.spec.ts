import { describe, expect, it } from '@jest/globals';
import { exportOf, percent, viewOf } from './view';

describe('the view of an address', () => {
  it('is what the address says', () => {
    expect(viewOf({ window: '30d', model: 'demo', group: 7 })).toEqual({
      window: '30d',
      model: 'demo',
      group: '7',
    });
  });

  it.each([{}, { window: '7d' }, { window: '1y', model: '' }, { window: {}, model: ['a'], group: null }])(
    'is the usual one for %j',
    (search) => {
      expect(viewOf(search)).toEqual({});
    },
  );
});

it("writes an export's address with the filters that there are", () => {
  expect(exportOf('decisions.csv', { model: 'a&b', rule: null, reviewer: undefined, verdict: 'edit' })).toBe(
    '/v1/exports/decisions.csv?model=a%26b&verdict=edit',
  );
});

it('writes shares as people do', () => {
  expect([percent(0.256), percent(1), percent(null)]).toEqual(['26%', '100%', '–']);
});
