import { describe, expect, it } from '@jest/globals';
import { viewOf } from './view';

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
