import { expect, it } from '@jest/globals';
import { exportOf } from './export-address';

it("writes an export's address with the filters that there are", () => {
  expect(exportOf('decisions.csv', { model: 'a&b', rule: null, reviewer: undefined, verdict: 'edit' })).toBe(
    '/v1/exports/decisions.csv?model=a%26b&verdict=edit',
  );
});
