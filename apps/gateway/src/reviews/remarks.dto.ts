import { MAX_NOTES_COUNTED, type Remarks, type Verdict } from '@hitl/domain';
import { BooleanField, EnumField, IntegerField, ObjectField, TextField, TimeField } from '../http/fields';
import { ListField } from '../http/list-fields';

class LeftNote {
  @TextField()
  by: string;

  @TextField({ max: 2000, description: 'Its first 2,000 characters; the history has all of it' })
  text: string;

  @TimeField()
  at: string;
}

class Vote {
  @EnumField('Verdict')
  verdict: Verdict;

  @TextField()
  by: string;

  @TextField({ nullable: true, description: "Why, as one of the project's reasons" })
  reason_code: string | null;

  @TextField({ nullable: true, description: 'Why, for reviewers and auditors' })
  reason: string | null;

  @TimeField()
  at: string;
}

class Outcome extends Vote {
  @BooleanField({ description: 'Whether the policy decided, not a person' })
  automatic: boolean;

  @BooleanField({ description: 'Whether the policy decided because nobody had by the deadline' })
  at_deadline: boolean;

  @TextField({ nullable: true, description: "The policy's rule" })
  rule: string | null;

  @TextField({ nullable: true, description: 'Why, as the submitter may read it' })
  submitter_message: string | null;
}

/** What people have said about a job. */
export class RemarksDto {
  @ListField(LeftNote, { description: 'The newest five notes of reviewers, newest first' })
  notes: LeftNote[];

  @IntegerField({
    max: MAX_NOTES_COUNTED,
    description: `How many notes there are, counted up to ${MAX_NOTES_COUNTED}`,
  })
  notes_count: number;

  @ListField(Vote, {
    description: 'Verdicts on the current revision that need the agreement of others, oldest first',
  })
  votes: Vote[];

  @ObjectField(Outcome, {
    nullable: true,
    description: 'The decision that ended the job; null: it has not ended, or ended without one',
  })
  outcome: Outcome | null;
}

export function toRemarks({ notes, notesCount, votes, outcome }: Remarks): RemarksDto {
  const time = (at: string): string => new Date(at).toISOString();
  return {
    notes: notes.map((note) => ({ ...note, at: time(note.at) })),
    notes_count: notesCount,
    votes: votes.map(({ verdict, by, reasonCode, reason, at }) => ({
      verdict,
      by,
      reason_code: reasonCode,
      reason,
      at: time(at),
    })),
    outcome: outcome && {
      verdict: outcome.verdict,
      by: outcome.by,
      reason_code: outcome.reasonCode,
      reason: outcome.reason,
      at: time(outcome.at),
      automatic: outcome.automatic,
      at_deadline: outcome.atDeadline,
      rule: outcome.rule,
      submitter_message: outcome.submitterMessage,
    },
  };
}
