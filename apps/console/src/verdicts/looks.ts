import type { Review } from '../api/client';
import type { UnionOf } from '../api/unions';
import { votesLeft } from './votes';

interface Look {
  name: string;
  /** What has been done, at the beginning of a sentence. */
  done: string;
  fill: string;
  back: string;
}

/** How each outcome is named and coloured, everywhere alike. */
export const LOOKS = {
  approve: { name: 'approved', done: 'Approved', fill: 'fill-good', back: 'bg-good' },
  edit: { name: 'edited', done: 'Approved with changes', fill: 'fill-accent', back: 'bg-accent' },
  reject: { name: 'rejected', done: 'Rejected', fill: 'fill-bad', back: 'bg-bad' },
  regenerate: { name: 'sent back', done: 'Sent back to the model', fill: 'fill-warn', back: 'bg-warn' },
  expired: { name: 'expired', done: 'Expired', fill: 'fill-dim', back: 'bg-dim' },
} as const satisfies Record<UnionOf<'DecisionOutcome'>, Look>;

interface FormVerdictLook {
  /** What its button says. */
  label: string;
  look: 'plain' | 'bad';
  /** Whether somebody who has voted on this response may still give it. */
  afterVote: boolean;
  /** What it would do, in one sentence. */
  consequence: (plan: Review['review']) => string;
}

export type FormVerdict = Extract<UnionOf<'Verdict'>, 'reject' | 'regenerate'>;

/** The verdicts that have a form of their own, in the order of their buttons. */
export const FORM_VERDICTS: Record<FormVerdict, FormVerdictLook> = {
  reject: {
    label: 'Reject',
    look: 'bad',
    afterVote: false,
    consequence: (plan) =>
      votesLeft(plan, 'reject') > 1
        ? `Rejecting is one vote of ${plan.approvals}: that many reviewers must agree.`
        : 'Rejecting delivers nothing, and ends the job.',
  },
  regenerate: {
    label: 'Regenerate',
    look: 'plain',
    afterVote: true,
    consequence: () => 'Nothing is delivered: the model’s new response waits for a reviewer again.',
  },
};
