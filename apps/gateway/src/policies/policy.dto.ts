import { ApiProperty } from '@nestjs/swagger';
import type { OnDeadline, PolicyOutcome, Verdict } from '@hitl/domain';
import type { DryRunReply, PolicyChange, PolicyReply, PolicyRule } from '@hitl/messaging';
import {
  BooleanField,
  CountsOf,
  EnumField,
  IntegerField,
  NumberField,
  ObjectField,
  TextField,
  UuidField,
} from '../http/fields';
import { ListField } from '../http/list-fields';

/** Responses that a dry run evaluates by default. */
const DEFAULT_DRY_RUN = 100;
const time = {
  type: 'integer',
  nullable: true,
  description: 'Milliseconds since the answer began to wait.',
} as const;
const optionalText = { type: String, nullable: true };
/** Which rule; null: the policy's defaults, or no policy. */
const ruleName = { ...optionalText, description: 'Null: no rule took it.' };

export class PolicyRuleDto {
  @TextField()
  name: string;

  @ApiProperty({ ...optionalText, description: 'In CEL. Null: always.' })
  when: string | null;

  @EnumField('PolicyOutcome')
  outcome: PolicyOutcome;

  @NumberField({ description: 'Share that a human sees all the same, from 0 to 1.' })
  sample: number;

  @BooleanField({ description: 'Whether the outcome is only recorded, and a human sees all.' })
  shadow: boolean;

  @ApiProperty(optionalText)
  submitter_message: string | null;

  @IntegerField()
  approvals: number;

  @BooleanField()
  four_eyes: boolean;

  @ApiProperty({ ...optionalText, description: 'Null: everybody may review.' })
  group: string | null;

  @ApiProperty(time)
  remind_after_ms: number | null;

  @ApiProperty(time)
  escalate_after_ms: number | null;

  @ApiProperty(optionalText)
  escalate_to: string | null;

  @ApiProperty(time)
  deadline_ms: number | null;

  @EnumField('OnDeadline')
  on_deadline: OnDeadline;

  @IntegerField({
    description: 'Milliseconds for which somebody at work may put the deadline and the escalation off.',
  })
  deadline_grace_ms: number;
}

class RejectReasonDto {
  @TextField({ example: 'incorrect' })
  code: string;

  @TextField({ example: 'Factually wrong' })
  label: string;
}

export class CurrentPolicy {
  @BooleanField({ description: 'Whether there is one. Without, one human reviews each answer.' })
  configured: boolean;

  @ApiProperty({ ...optionalText, description: 'SHA-256 of the text, in hex.' })
  hash: string | null;

  @ApiProperty({ ...optionalText, format: 'date-time' })
  loaded_at: string | null;

  @ApiProperty({
    ...optionalText,
    description: 'Why the file as it is now is not in force; this one still is.',
  })
  error: string | null;

  @ApiProperty({ ...optionalText, description: 'The file, in YAML.' })
  text: string | null;

  @ApiProperty({
    description: 'Who is in which group.',
    type: 'object',
    additionalProperties: { type: 'array', items: { type: 'string' } },
  })
  groups: Record<string, string[]>;

  @ListField(RejectReasonDto, { description: 'What a rejection may give as its reason.' })
  reject_reasons: RejectReasonDto[];

  @ListField(PolicyRuleDto)
  rules: PolicyRuleDto[];
}

export class TryPolicy {
  @TextField({
    description: 'The policy, in YAML.',
    example: 'version: 1\nrules: []\n',
    min: 1,
    max: 1_048_576,
  })
  policy: string;

  @IntegerField({
    description: 'How many answers, the newest first.',
    min: 1,
    max: 1000,
    optional: true,
    nullable: true,
    default: DEFAULT_DRY_RUN,
  })
  last: number;
}

class PolicyWarning {
  @TextField({ description: 'JSON pointer into the policy.' })
  pointer: string;

  @TextField()
  detail: string;
}

class PolicyOutcomes extends CountsOf('PolicyOutcome') {}

class RuleCount {
  @ApiProperty(ruleName)
  rule: string | null;

  @IntegerField()
  jobs: number;
}

class OutcomeBefore {
  @EnumField('PolicyOutcome', { description: 'human: the policy left it to people.' })
  outcome: PolicyOutcome;

  @ApiProperty(ruleName)
  rule: string | null;

  @EnumField('Verdict', {
    nullable: true,
    description: 'Of whoever decided in the end; null: nobody has yet.',
  })
  final_verdict: Verdict | null;
}

class WaitEnd {
  @IntegerField({ description: 'Milliseconds since the answer began to wait.' })
  after_ms: number;

  @EnumField('OnDeadline')
  outcome: OnDeadline;

  @IntegerField({ description: 'Milliseconds for which somebody at work may put it off.' })
  grace_ms: number;
}

class OutcomeAfter {
  @EnumField('PolicyOutcome')
  outcome: PolicyOutcome;

  @ApiProperty(ruleName)
  rule: string | null;

  @IntegerField({ nullable: true, description: 'Null: no human would have reviewed.' })
  approvals: number | null;

  @ApiProperty(optionalText)
  group: string | null;

  @ApiProperty({ ...optionalText, description: 'Why a rule could not be followed.' })
  because: string | null;

  @ObjectField(WaitEnd, { nullable: true, description: 'What ends the wait when nobody decides.' })
  ends: WaitEnd | null;
}

class OutcomeChange {
  @UuidField()
  job_id: string;

  @ObjectField(OutcomeBefore)
  before: OutcomeBefore;

  @ObjectField(OutcomeAfter)
  after: OutcomeAfter;
}

export class DryRun {
  @TextField({ description: 'SHA-256 of the policy, in hex.' })
  hash: string;

  @ListField(PolicyWarning, { description: 'What is allowed but cannot be meant.' })
  warnings: PolicyWarning[];

  @IntegerField({ description: 'How many answers were looked at.' })
  jobs: number;

  @ObjectField(PolicyOutcomes)
  outcomes: PolicyOutcomes;

  @ListField(RuleCount, { description: 'Every rule, in order; then what none took.' })
  by_rule: RuleCount[];

  @BooleanField({ description: 'Whether the time was over before the answers were.' })
  stopped_early: boolean;

  @ListField(OutcomeChange, {
    description: 'The newest 100 answers with another outcome or another rule than they had.',
  })
  changes: OutcomeChange[];
}

export function currentPolicy({ loadedAt, rejectReasons, rules, ...rest }: PolicyReply): CurrentPolicy {
  return { ...rest, loaded_at: loadedAt, reject_reasons: rejectReasons, rules: rules.map(ruleDto) };
}

function ruleDto(rule: PolicyRule): PolicyRuleDto {
  return {
    name: rule.name,
    when: rule.when,
    outcome: rule.outcome,
    sample: rule.sample,
    shadow: rule.shadow,
    submitter_message: rule.submitterMessage,
    approvals: rule.approvals,
    four_eyes: rule.fourEyes,
    group: rule.group,
    remind_after_ms: rule.remindAfterMs,
    escalate_after_ms: rule.escalateAfterMs,
    escalate_to: rule.escalateTo,
    deadline_ms: rule.deadlineMs,
    on_deadline: rule.onDeadline,
    deadline_grace_ms: rule.deadlineGraceMs,
  };
}

export function dryRun({ byRule, stoppedEarly, changes, ...rest }: DryRunReply): DryRun {
  return { ...rest, by_rule: byRule, stopped_early: stoppedEarly, changes: changes.map(changeDto) };
}

function changeDto({ jobId, before, after }: PolicyChange): OutcomeChange {
  const { finalVerdict, ...was } = before;
  const { ends, ...will } = after;
  return {
    job_id: jobId,
    before: { ...was, final_verdict: finalVerdict },
    after: {
      ...will,
      ends: ends && { after_ms: ends.afterMs, outcome: ends.outcome, grace_ms: ends.graceMs },
    },
  };
}
