import {
  automaticStepOf,
  isJsonObject,
  type DecisionRequest,
  type HeldClient,
  type Job,
  type OnDeadline,
  type Summary,
  type Verdict,
} from '@hitl/domain';
import {
  BooleanField,
  EnumField,
  IntegerField,
  ObjectField,
  TextField,
  TimeField,
  UuidField,
} from '../http/fields';
import { TextsField } from '../http/list-fields';

/** Why the reviewer who asks cannot decide. */
export const ApiObstacle = (): PropertyDecorator =>
  EnumField('Obstacle', {
    nullable: true,
    description:
      'Why you cannot approve or reject it now; null: you can, or the review service has not said by which rules. ' +
      'already_voted: you may still edit it or send it back. not_planned, pending_decision and claimed_by_other pass on their own.',
  });

export class ClaimDto {
  @TextField()
  by: string;

  @TimeField()
  since: string;

  @TimeField({ description: 'It ends automatically then, unless it is renewed.' })
  until: string;
}

export class HeldDecision {
  @UuidField()
  decision_id: string;

  @EnumField('Verdict')
  verdict: Verdict;

  @TextField()
  by: string;

  @TimeField({ description: 'It takes effect then, unless it is undone.' })
  until: string;
}

export class AutomaticStepDto {
  @EnumField('OnDeadline', { description: 'fail: it expires. approve: the response is delivered as it is.' })
  outcome: OnDeadline;

  @TimeField({
    description: 'When it comes, as things are now: at the deadline, or when nobody works on it any more.',
  })
  at: string;

  @BooleanField({ description: 'Whether a claim, a fresh draft or an undone decision puts it off.' })
  halted: boolean;

  @TimeField({ description: 'It comes no later, even while a reviewer is at work.' })
  latest_at: string;
}

/** How a job waits for reviewers: what its summary has, too. */
export class WaitingReview {
  @TimeField({ nullable: true, description: 'Since when the response waits' })
  since: string | null;

  @TimeField({ nullable: true })
  deadline_at: string | null;

  @ObjectField(AutomaticStepDto, {
    nullable: true,
    description:
      'What ends the wait when nobody decides; null: nothing does, or a decision is pending and can be undone.',
  })
  automatic_step: AutomaticStepDto | null;

  @TextField({ nullable: true, description: "The policy's rule that sent it here" })
  rule: string | null;

  @TextField({ nullable: true, description: 'The group whose members may review it' })
  group: string | null;

  @IntegerField({ description: 'How many different people must agree' })
  approvals: number;

  @TextsField({ description: 'Who has approved this revision' })
  approved_by: string[];

  @TextsField({ description: 'Who has rejected this revision' })
  rejected_by: string[];

  @ObjectField(ClaimDto, { nullable: true, description: 'Who has it now' })
  claim: ClaimDto | null;

  @ObjectField(HeldDecision, { nullable: true, description: 'A decision that can still be undone' })
  held: HeldDecision | null;

  @EnumField('HeldClient', {
    nullable: true,
    description:
      'The client that is held for the response: still there, or gone without it. null: none was held, or it has its response.',
  })
  client: HeldClient | null;
}

export function toWaiting(job: Omit<Summary, 'notesCount' | 'violations'>): WaitingReview {
  return {
    since: job.waitingSince?.toISOString() ?? null,
    deadline_at: job.deadlineAt?.toISOString() ?? null,
    automatic_step: stepOf(job),
    rule: job.rule,
    group: job.group || null,
    approvals: job.approvals,
    approved_by: job.approvedBy,
    rejected_by: job.rejectedBy,
    claim: claimOf(job),
    held: heldOf(job),
    client: job.client,
  };
}

function stepOf(job: Parameters<typeof automaticStepOf>[0]): AutomaticStepDto | null {
  const step = automaticStepOf(job);
  if (!step) return null;
  const { at, latestAt, ...rest } = step;
  return { ...rest, at: at.toISOString(), latest_at: latestAt.toISOString() };
}

/** Who has the job now. */
export function claimOf({
  claimedBy,
  claimedAt,
  claimedUntil,
}: Pick<Job, 'claimedBy' | 'claimedAt' | 'claimedUntil'>): ClaimDto | null {
  if (claimedBy === null || !claimedAt || !claimedUntil || claimedUntil <= new Date()) return null;
  return { by: claimedBy, since: claimedAt.toISOString(), until: claimedUntil.toISOString() };
}

/** The decision on the job that can still be undone. */
export function heldOf({
  heldDecision,
  heldUntil,
}: Pick<Job, 'heldDecision' | 'heldUntil'>): HeldDecision | null {
  if (!isJsonObject(heldDecision) || !heldUntil) return null;
  const { id, verdict, actor } = heldDecision as unknown as DecisionRequest;
  return { decision_id: id, verdict, by: actor, until: heldUntil.toISOString() };
}
