import { ApiProperty } from '@nestjs/swagger';
import { JOB_STATUSES, VERDICTS, type JobStatus, type ListedDecision, type Verdict } from '@hitl/domain';
import { Page } from '../jobs/job.dto';

/** What a list of decisions may be narrowed to. */
export const OUTCOMES = [...VERDICTS, 'expired'] as const;

/** The other decision of a pair. */
class PairedDecisionDto {
  @ApiProperty({ enum: VERDICTS })
  verdict: Verdict;

  @ApiProperty()
  actor: string;

  @ApiProperty({ description: 'Whether it is only for the record: what the policy would have decided' })
  shadow: boolean;
}

/** A decision in one line. */
class ListedDecisionDto {
  @ApiProperty({ format: 'uuid', description: "The decision's id; the job's where nobody decided" })
  id: string;

  @ApiProperty({ format: 'uuid' })
  job_id: string;

  @ApiProperty({ type: String, maxLength: 200, nullable: true, description: 'What was asked, in a line' })
  asked: string | null;

  @ApiProperty({ enum: JOB_STATUSES, enumName: 'JobStatus', description: "The job's, now" })
  job_status: JobStatus;

  @ApiProperty({ enum: OUTCOMES, description: 'expired: nobody decided in time' })
  verdict: Verdict | 'expired';

  @ApiProperty({ description: 'false: one of several votes' })
  final: boolean;

  @ApiProperty({ description: 'Whether the policy decided' })
  automatic: boolean;

  @ApiProperty({ description: 'Whether it came because nobody had decided in time' })
  at_deadline: boolean;

  @ApiProperty()
  actor: string;

  @ApiProperty({ type: String, nullable: true, description: 'The model that was asked for' })
  model: string | null;

  @ApiProperty({ type: String, nullable: true, description: "The policy's rule" })
  rule: string | null;

  @ApiProperty({ type: String, nullable: true, description: "The job's group, now" })
  group: string | null;

  @ApiProperty({ type: String, nullable: true })
  reason_code: string | null;

  @ApiProperty({ type: Number, nullable: true, description: 'The share of the text that an edit changed' })
  edit_distance: number | null;

  @ApiProperty({
    type: PairedDecisionDto,
    nullable: true,
    description: 'With pairs: what it is compared with',
  })
  paired_with: PairedDecisionDto | null;

  @ApiProperty({ format: 'date-time' })
  at: string;
}

export class DecisionPage extends Page {
  @ApiProperty({
    type: [ListedDecisionDto],
    description: 'May be short, even empty, while next_cursor is not null',
  })
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
