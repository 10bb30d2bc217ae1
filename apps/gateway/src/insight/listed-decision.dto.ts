import {
  isJobId,
  type Decider,
  type DecisionOutcome,
  type DecisionPair,
  type DecisionPosition,
  type JobStatus,
  type ListedDecision,
  type Verdict,
} from '@hitl/domain';
import {
  BooleanField,
  EnumField,
  isTime,
  NumberField,
  ObjectField,
  PersonField,
  TextField,
  TimeField,
  UuidField,
  WithoutField,
} from '../http/fields';
import { CursorField, ListField } from '../http/list-fields';
import { LimitField, Page } from '../http/page';

const NameField = (description: string) => TextField({ description, min: 1, max: 200, optional: true });
const FlagField = (description: string) => BooleanField({ description, optional: true });

/** Which decisions to list. */
export class ListDecisions {
  @CursorField(isDecisionPosition)
  cursor?: DecisionPosition;

  @LimitField()
  limit: number;

  @EnumField('DecisionPair', {
    description:
      "One decision per pair of an agreement in /v1/stats, with the other one in paired_with. double: the later of two people's; shadow: a person's, beside a shadowed rule's",
    optional: true,
  })
  pairs?: DecisionPair;

  @FlagField('true: only what ended a job or sent it back, no votes')
  final?: boolean;

  @FlagField('true: only because nobody had decided in time, and the waits that expired')
  missed_deadline?: boolean;

  @FlagField('true: only because nobody had decided in time')
  at_deadline?: boolean;

  @EnumField('Decider', { description: 'Who decided: people, or the policy alone', optional: true })
  by?: Decider;

  @EnumField('DecisionOutcome', {
    description:
      'expired: no decisions, but the waits that ended at their deadline because nobody had decided',
    optional: true,
  })
  verdict?: DecisionOutcome;

  @NameField("The job's group, as it is now")
  group?: string;

  @PersonField({ description: 'Who decided', optional: true })
  reviewer?: string;

  @WithoutField(['model', 'rule'], { description: 'Only those that have none of it' })
  without?: 'model' | 'rule';

  @NameField("The policy's rule")
  rule?: string;

  @NameField('The model that was asked for')
  model?: string;

  @TimeField({ description: 'Made before this', optional: true })
  to?: Date;

  @TimeField({ description: 'Made at or after this', optional: true })
  from?: Date;
}

function isDecisionPosition(value: unknown): boolean {
  const { at, id } = (value ?? {}) as Partial<Record<string, unknown>>;
  return typeof at === 'string' && isTime(at) && typeof id === 'string' && isJobId(id);
}

/** The other decision of a pair. */
class PairedDecisionDto {
  @EnumField('Verdict')
  verdict: Verdict;

  @TextField()
  actor: string;

  @BooleanField({ description: 'Whether it is only for the record: what the policy would have decided' })
  shadow: boolean;
}

/** A decision in one line. */
class ListedDecisionDto {
  @UuidField({ description: "The decision's id; the job's where nobody decided" })
  id: string;

  @UuidField()
  job_id: string;

  @TextField({ max: 200, nullable: true, description: 'What was asked, in a line' })
  asked: string | null;

  @EnumField('JobStatus', { description: "The job's, now" })
  job_status: JobStatus;

  @EnumField('DecisionOutcome', { description: 'expired: nobody decided in time' })
  verdict: DecisionOutcome;

  @BooleanField({ description: 'false: one of several votes' })
  final: boolean;

  @BooleanField({ description: 'Whether the policy decided' })
  automatic: boolean;

  @BooleanField({ description: 'Whether it came because nobody had decided in time' })
  at_deadline: boolean;

  @TextField()
  actor: string;

  @TextField({ nullable: true, description: 'The model that was asked for' })
  model: string | null;

  @TextField({ nullable: true, description: "The policy's rule" })
  rule: string | null;

  @TextField({ nullable: true, description: "The job's group, now" })
  group: string | null;

  @TextField({ nullable: true })
  reason_code: string | null;

  @NumberField({ nullable: true, description: 'The share of the text that an edit changed' })
  edit_distance: number | null;

  @ObjectField(PairedDecisionDto, { nullable: true, description: 'With pairs: what it is compared with' })
  paired_with: PairedDecisionDto | null;

  @TimeField()
  at: string;
}

export class DecisionPage extends Page {
  @ListField(ListedDecisionDto, { description: 'May be short, even empty, while next_cursor is not null' })
  data: ListedDecisionDto[];
}

export function toListedDecision(decision: ListedDecision): ListedDecisionDto {
  return {
    id: decision.id,
    job_id: decision.jobId,
    asked: decision.asked,
    job_status: decision.jobStatus,
    verdict: decision.verdict,
    final: decision.final,
    automatic: decision.automatic,
    at_deadline: decision.atDeadline,
    actor: decision.actor,
    model: decision.model,
    rule: decision.rule,
    group: decision.group,
    reason_code: decision.reasonCode,
    edit_distance: decision.editDistance,
    paired_with: decision.pairedWith,
    at: new Date(decision.at).toISOString(),
  };
}
