import { describe, expect, it } from '@jest/globals';
import { ladderOf, outcomeOf, reviewersOf } from './rule-words';

const RULE: Parameters<typeof outcomeOf>[0] = {
  name: 'rule',
  when: null,
  outcome: 'human',
  sample: 0,
  shadow: false,
  submitter_message: null,
  approvals: 1,
  four_eyes: false,
  group: null,
  remind_after_ms: null,
  escalate_after_ms: null,
  escalate_to: null,
  deadline_ms: null,
  deadline_grace_ms: 900_000,
  on_deadline: 'fail',
};

describe('a rule in words', () => {
  it.each([
    [{}, 'a person reviews'],
    [{ outcome: 'reject' as const }, 'rejected without a person'],
    [
      { outcome: 'approve' as const, sample: 0.05 },
      'approved without a person, but for 5% that a person reviews',
    ],
    [{ outcome: 'approve' as const, shadow: true }, 'would be approved: recorded only, a person reviews'],
  ])('says what %j does', (change, words) => {
    expect(outcomeOf({ ...RULE, ...change })).toBe(words);
  });

  it.each([
    [{}, 'anyone'],
    [{ outcome: 'reject' as const }, 'nobody'],
    [{ outcome: 'approve' as const, sample: 0.05 }, 'anyone'],
    [{ approvals: 2 }, '2 people'],
    [{ group: 'seniors' }, 'one of seniors'],
    [{ approvals: 2, group: 'seniors', four_eyes: true }, '2 of seniors, never the submitter'],
  ])('says who reviews by %j', (change, words) => {
    expect(reviewersOf({ ...RULE, ...change })).toBe(words);
  });

  it('says what happens while an answer waits, and nothing where nothing does', () => {
    expect(ladderOf(RULE)).toEqual([]);
    expect(
      ladderOf({
        ...RULE,
        remind_after_ms: 1_800_000,
        escalate_after_ms: 7_200_000,
        escalate_to: 'seniors',
        deadline_ms: 86_400_000,
        on_deadline: 'approve',
      }),
    ).toEqual(['30m: reminder', '2h: to seniors', '1d: auto-approves']);
  });
});
