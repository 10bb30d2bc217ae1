import { ApiProperty } from '@nestjs/swagger';
import type { Agreement, Stats, StatsWindow, VerdictTable } from '@hitl/domain';
import { CountsOf, IntegerField, ObjectField, TextField, TimeField } from '../http/fields';
import { ListField } from '../http/list-fields';

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
  @TimeField()
  from: string;

  @TimeField({ description: 'Not part of it.' })
  to: string;
}

class GroupCountDto {
  @TextField({ nullable: true, description: 'Null: everybody may review them.' })
  group: string | null;

  @IntegerField()
  count: number;
}

class WaitingDto {
  @IntegerField()
  count: number;

  @TimeField({ nullable: true })
  oldest_since: string | null;

  @ListField(GroupCountDto, { description: 'The 200 largest.' })
  by_group: GroupCountDto[];
}

class VerdictCountsDto extends CountsOf('Verdict') {}

class ThroughputDto extends VerdictCountsDto {
  @TimeField({ description: 'When this part of the window begins.' })
  at: string;

  @IntegerField({ description: 'Jobs that nobody decided in time.' })
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
  @TextField({ nullable: true, description: 'Null: the payload names none.' })
  model: string | null;
}

class RuleVerdictsDto extends VerdictCountsDto {
  @TextField({ nullable: true, description: "Null: the policy's defaults, or no policy." })
  rule: string | null;
}

class ReviewerVerdictsDto extends VerdictCountsDto {
  @TextField()
  reviewer: string;
}

class AutomaticVerdictsDto {
  @ObjectField(VerdictCountsDto)
  total: VerdictCountsDto;

  @ListField(ModelVerdictsDto, { description: 'The 50 most frequent.' })
  by_model: ModelVerdictsDto[];

  @ListField(RuleVerdictsDto, { description: 'The 50 most frequent.' })
  by_rule: RuleVerdictsDto[];
}

class VerdictsDto extends AutomaticVerdictsDto {
  @ListField(ReviewerVerdictsDto, { description: 'The 50 most frequent.' })
  by_reviewer: ReviewerVerdictsDto[];

  @ObjectField(AutomaticVerdictsDto, { description: 'What the policy decided instead of people.' })
  automatic: AutomaticVerdictsDto;
}

class AgreementDto implements Agreement {
  @IntegerField()
  pairs: number;

  @IntegerField({ description: 'Pairs of the same verdict.' })
  agreed: number;

  @ApiProperty({ ...NULLABLE_NUMBER, description: "Cohen's kappa; null where it is not defined." })
  kappa: number | null;
}

class AgreementsDto {
  @ObjectField(AgreementDto, { description: 'The first two people who judged the same revision.' })
  double: AgreementDto;

  @ObjectField(AgreementDto, { description: 'What the policy would have decided, and what a person did.' })
  shadow: AgreementDto;
}

class DeadlinesDto {
  @IntegerField({ description: 'Jobs that failed because nobody decided in time.' })
  expired: number;

  @IntegerField({ description: 'Jobs that the policy approved because nobody decided in time.' })
  approved_at_deadline: number;
}

export class StatsDto {
  @ObjectField(WindowDto)
  window: WindowDto;

  @ObjectField(WaitingDto, { description: 'What waits for a human now, whatever the window.' })
  waiting: WaitingDto;

  @IntegerField({ description: 'Decisions that took effect.' })
  decided: number;

  @ListField(ThroughputDto, {
    description: 'Decisions that took effect, in at most 100 parts of the window of the same length.',
  })
  throughput: ThroughputDto[];

  @ObjectField(PercentilesDto, {
    description: 'From the moment that a response began to wait until the person who decided had claimed it.',
  })
  time_to_claim_ms: PercentilesDto;

  @ObjectField(PercentilesDto, {
    description: 'From the moment that a response began to wait until a person had decided.',
  })
  time_to_decide_ms: PercentilesDto;

  @ObjectField(VerdictsDto, { description: "People's verdicts, each one of several people's included." })
  verdicts: VerdictsDto;

  @ObjectField(EditDistanceDto, { description: 'The share of the text that edits changed, from 0 to 1.' })
  edit_distance: EditDistanceDto;

  @ObjectField(AgreementsDto)
  agreement: AgreementsDto;

  @ObjectField(DeadlinesDto)
  deadlines: DeadlinesDto;
}

/** Figures as they are returned. */
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
