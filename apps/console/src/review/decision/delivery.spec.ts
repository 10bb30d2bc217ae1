import { describe, expect, it } from '@jest/globals';
import type { Review } from '../../api/client';
import { consequenceOf } from './delivery';

const review = (more: object = {}, plan: object = {}) =>
  ({
    response: '{"total":4}',
    edited: false,
    ...more,
    review: { approvals: 1, approved_by: [], rejected_by: [], ...plan },
  }) as unknown as Review;

describe('what a decision would do', () => {
  it('tells whose words approving delivers', () => {
    expect(consequenceOf(review(), null, null)).toContain('delivers this response as the model wrote it');
    expect(consequenceOf(review({ edited: true }), null, null)).toContain('as a person has changed it');
  });

  it('tells what saving an edit delivers, and when it can deliver nothing', () => {
    const same = JSON.stringify({ total: 4 }, null, 2);
    expect(consequenceOf(review(), same, null)).toContain('You have changed nothing');
    expect(consequenceOf(review(), '{"total": 5}', null)).toContain('delivers your version');
    expect(consequenceOf(review(), '{"total": ', null)).toBe(
      'Nothing can be delivered yet: this is not JSON.',
    );
    expect(consequenceOf(review(), '{"total": 4, "total": 5}', null)).toMatch(
      /^Nothing can be delivered yet: "total" is there twice: .*counts\.$/,
    );
  });

  it('tells that an edit which breaks its form delivers nothing', () => {
    const told = consequenceOf(review(), '{"total": "5"}', null, '/total: must be a number');
    expect(told).toContain('Nothing can be delivered yet: this breaks the form');
    expect(told).toContain('/total: must be a number');
    expect(consequenceOf(review(), null, 'reject', 'must be a number')).toContain('delivers nothing');
  });

  it('tells when others must agree, and when this was the last voice', () => {
    expect(consequenceOf(review({}, { approvals: 2 }), null, null)).toContain('one of 2 approvals');
    expect(consequenceOf(review({}, { approvals: 2, approved_by: ['ben'] }), null, null)).toContain(
      'delivers this response',
    );
    expect(consequenceOf(review({}, { approvals: 2 }), '5', null)).toContain('1 of 2 approvals, yours');
    expect(consequenceOf(review({}, { approvals: 2 }), null, 'reject')).toContain('one vote of 2');
    expect(consequenceOf(review({}, { approvals: 2, rejected_by: ['ben'] }), null, 'reject')).toContain(
      'ends the job',
    );
  });

  it('tells that neither rejecting nor asking again delivers anything', () => {
    expect(consequenceOf(review(), null, 'reject')).toContain('delivers nothing');
    expect(consequenceOf(review(), null, 'regenerate')).toContain('Nothing is delivered');
  });
});
