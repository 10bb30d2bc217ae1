import { ApiProperty } from '@nestjs/swagger';
import type { Agreement, Stats, StatsWindow, VerdictTable } from '@hitl/domain';
import { CountsOf, TextField, TimeField } from '../http/fields';

const NULLABLE_NUMBER = { type: Number, nullable: true } as const;

/** Which figures to read. */
export class AskStats {
  @TextField({ min: 1, max: 200, optional: true })
  group?: string;

  @TextField({ min: 1, max: 200, optional: true })
  model?: string;

  @TimeField({ description: 'Not part of the window; now unless given', optional: true })
  to?: Date;

  @TimeField({ optional: true })
  from?: Date;
}

class WindowDto {
  @ApiProperty({ format: 'date-time' })
  from: string;

  @ApiProperty({ format: 'date-time', description: 'Not part of it.' })
  to: string;
}

class GroupCountDto {
  @ApiProperty({ type: String, nullable: true, description: 'Null: everybody may review them.' })
  group: string | null;

  @ApiProperty({ type: 'integer' })
  count: number;
}

class WaitingDto {
  @ApiProperty({ type: 'integer' })
  count: number;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  oldest_since: string | null;

  @ApiProperty({ type: [GroupCountDto], description: 'The 200 largest.' })
  by_group: GroupCountDto[];
}

class VerdictCountsDto extends CountsOf('Verdict') {}

class ThroughputDto extends VerdictCountsDto {
  @ApiProperty({ format: 'date-time', description: 'When this part of the window begins.' })
  at: string;

  @ApiProperty({ type: 'integer', description: 'Jobs that nobody decided in time.' })
  expired: number;
}

class PercentilesDto {
  @ApiProperty(NULLABLE_NUMBER)
  p50: number | null;

  @ApiProperty(NULLABLE_NUMBER)
  p90: number | null;
}

class EditDistanceDto extends PercentilesDto {
  @ApiProperty(NULLABLE_NUMBER)
  mean: number | null;
}

class ModelVerdictsDto extends VerdictCountsDto {
  @ApiProperty({ type: String, nullable: true, description: 'Null: the payload names none.' })
  model: string | null;
}

class RuleVerdictsDto extends VerdictCountsDto {
  @ApiProperty({ type: String, nullable: true, description: "Null: the policy's defaults, or no policy." })
  rule: string | null;
}

class ReviewerVerdictsDto extends VerdictCountsDto {
  @ApiProperty()
  reviewer: string;
}

class AutomaticVerdictsDto {
  @ApiProperty({ type: VerdictCountsDto })
  total: VerdictCountsDto;

  @ApiProperty({ type: [ModelVerdictsDto], description: 'The 50 most frequent.' })
  by_model: ModelVerdictsDto[];

  @ApiProperty({ type: [RuleVerdictsDto], description: 'The 50 most frequent.' })
  by_rule: RuleVerdictsDto[];
}

class VerdictsDto extends AutomaticVerdictsDto {
  @ApiProperty({ type: [ReviewerVerdictsDto], description: 'The 50 most frequent.' })
  by_reviewer: ReviewerVerdictsDto[];

  @ApiProperty({ type: AutomaticVerdictsDto, description: 'What the policy decided instead of people.' })
  automatic: AutomaticVerdictsDto;
}

class AgreementDto implements Agreement {
  @ApiProperty({ type: 'integer' })
  pairs: number;

  @ApiProperty({ type: 'integer', description: 'Pairs of the same verdict.' })
  agreed: number;

  @ApiProperty({ ...NULLABLE_NUMBER, description: "Cohen's kappa; null where it is not defined." })
  kappa: number | null;
}

class AgreementsDto {
  @ApiProperty({ type: AgreementDto, description: 'The first two people who judged the same revision.' })
  double: AgreementDto;

  @ApiProperty({
    type: AgreementDto,
    description: 'What the policy would have decided, and what a person did.',
  })
  shadow: AgreementDto;
}

class DeadlinesDto {
  @ApiProperty({ type: 'integer', description: 'Jobs that failed because nobody decided in time.' })
  expired: number;

  @ApiProperty({
    type: 'integer',
    description: 'Jobs that the policy approved because nobody decided in time.',
  })
  approved_at_deadline: number;
}

export class StatsDto {
  @ApiProperty({ type: WindowDto })
  window: WindowDto;

  @ApiProperty({ type: WaitingDto, description: 'What waits for a human now, whatever the window.' })
  waiting: WaitingDto;

  @ApiProperty({ type: 'integer', description: 'Decisions that took effect.' })
  decided: number;

  @ApiProperty({
    type: [ThroughputDto],
    description: 'Decisions that took effect, in at most 100 parts of the window of the same length.',
  })
  throughput: ThroughputDto[];

  @ApiProperty({
    type: PercentilesDto,
    description: 'From the moment that a response began to wait until the person who decided had claimed it.',
  })
  time_to_claim_ms: PercentilesDto;

  @ApiProperty({
    type: PercentilesDto,
    description: 'From the moment that a response began to wait until a person had decided.',
  })
  time_to_decide_ms: PercentilesDto;

  @ApiProperty({
    type: VerdictsDto,
    description: "People's verdicts, each one of several people's included.",
  })
  verdicts: VerdictsDto;

  @ApiProperty({
    type: EditDistanceDto,
    description: 'The share of the text that edits changed, from 0 to 1.',
  })
  edit_distance: EditDistanceDto;

  @ApiProperty({ type: AgreementsDto })
  agreement: AgreementsDto;

  @ApiProperty({ type: DeadlinesDto })
  deadlines: DeadlinesDto;
}

/** Figures as they are answered. */
export function statsDto({ from, to }: StatsWindow, stats: Stats): StatsDto {
  const { human, automatic } = stats.verdicts;
  return {
    window: { from: from.toISOString(), to: to.toISOString() },
    waiting: {
      count: stats.waiting.count,
      oldest_since: stats.waiting.oldestSince?.toISOString() ?? null,
      by_group: stats.waiting.byGroup,
    },
    decided: stats.decided,
    throughput: stats.throughput.map(({ at, ...counts }) => ({ at: at.toISOString(), ...counts })),
    time_to_claim_ms: stats.timeToClaimMs,
    time_to_decide_ms: stats.timeToDecideMs,
    verdicts: {
      total: human.total,
      by_model: modelsDto(human),
      by_rule: rulesDto(human),
      by_reviewer: human.byReviewer.map(({ name, ...counts }) => ({ reviewer: name ?? '', ...counts })),
      automatic: {
        total: automatic.total,
        by_model: modelsDto(automatic),
        by_rule: rulesDto(automatic),
      },
    },
    edit_distance: stats.editDistance,
    agreement: stats.agreement,
    deadlines: { expired: stats.deadlines.expired, approved_at_deadline: stats.deadlines.approvedAtDeadline },
  };
}

function modelsDto({ byModel }: VerdictTable): ModelVerdictsDto[] {
  return byModel.map(({ name, ...counts }) => ({ model: name, ...counts }));
}

function rulesDto({ byRule }: VerdictTable): RuleVerdictsDto[] {
  return byRule.map(({ name, ...counts }) => ({ rule: name, ...counts }));
}
