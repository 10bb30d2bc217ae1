import { expect, it } from '@jest/globals';
import { percent } from './percent';

it('writes shares as people do', () => {
  expect([percent(0.256), percent(1), percent(null)]).toEqual(['26%', '100%', '–']);
});
