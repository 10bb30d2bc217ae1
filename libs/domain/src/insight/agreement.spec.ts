import { describe, expect, it } from '@jest/globals';
import { agreementOf } from './agreement';

const pair = (first: string, second: string, count: number) => ({ first, second, count });

describe('agreement', () => {
  it("is Cohen's kappa: 20 and 15 of 50 agreed on, of 25 and 30 approvals", () => {
    // po = 35/50 = 0.7; pe = 0.5 * 0.6 + 0.5 * 0.4 = 0.5; kappa = 0.2 / 0.5.
    const rated = [
      pair('approve', 'approve', 20),
      pair('approve', 'reject', 5),
      pair('reject', 'approve', 10),
      pair('reject', 'reject', 15),
    ];
    expect(agreementOf(rated)).toEqual({ pairs: 50, agreed: 35, kappa: 0.4 });
  });

  it('of four verdicts counts each of them', () => {
    // po = 4/6; pe = (3*2 + 1*1 + 1*2 + 1*1) / 36 = 10/36; kappa = (24 - 10) / (36 - 10).
    const rated = [
      pair('approve', 'approve', 2),
      pair('approve', 'edit', 1),
      pair('edit', 'reject', 1),
      pair('reject', 'reject', 1),
      pair('regenerate', 'regenerate', 1),
    ];
    expect(agreementOf(rated)).toEqual({ pairs: 6, agreed: 4, kappa: 0.5385 });
  });

  it('is 1 where all agree, and below 0 where they agree less than by chance', () => {
    expect(agreementOf([pair('approve', 'approve', 3), pair('reject', 'reject', 2)]).kappa).toBe(1);
    expect(agreementOf([pair('approve', 'reject', 1), pair('reject', 'approve', 1)]).kappa).toBe(-1);
  });

  it('is not defined without pairs, or where nobody ever gave another verdict', () => {
    expect(agreementOf([])).toEqual({ pairs: 0, agreed: 0, kappa: null });
    expect(agreementOf([pair('approve', 'approve', 7)])).toEqual({ pairs: 7, agreed: 7, kappa: null });
  });
});
