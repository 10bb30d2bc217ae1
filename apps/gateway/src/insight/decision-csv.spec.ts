import { describe, expect, it } from '@jest/globals';
import type { DecisionRecord } from '@hitl/domain';
import { decisionLines } from './decision-csv';

describe('a decision as CSV', () => {
  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1'])(
    'has an apostrophe before what a spreadsheet would take for a formula: %j',
    (reason) => {
      const record = { reason, createdAt: new Date(0) } as DecisionRecord;
      expect(decisionLines([record]).replaceAll('"', '')).toContain(`,'${reason},`);
    },
  );
});
