import { ApiProperty } from '@nestjs/swagger';
import type { Summary } from '@hitl/domain';
import { ClaimDto, claimOf, HeldDecision, heldOf } from './review.dto';

/** A job that waits for a human, in one line. */
class ReviewSummary {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({
    maxLength: 200,
    description: 'What was asked: the last user message of a chat; else the prompt, or the payload as text',
  })
  asked: string;

  @ApiProperty({ type: String, nullable: true, description: 'The model that the payload asks for' })
  model: string | null;

  @ApiProperty({ type: 'integer', minimum: 0, maximum: 9 })
  priority: number;

  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    description: 'Since when the answer waits',
  })
  since: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  deadline_at: string | null;

  @ApiProperty({ type: String, nullable: true, description: "The policy's rule that sent it here" })
  rule: string | null;

  @ApiProperty({ type: String, nullable: true, description: 'The group whose members may review it' })
  group: string | null;

  @ApiProperty({ type: 'integer', description: 'How many different people must agree' })
  approvals: number;

  @ApiProperty({ type: [String], description: 'Who has approved this revision' })
  approved_by: string[];

  @ApiProperty({ type: [String], description: 'Who has rejected this revision' })
  rejected_by: string[];

  @ApiProperty({ type: ClaimDto, nullable: true, description: 'Who has it now' })
  claim: ClaimDto | null;

  @ApiProperty({ type: HeldDecision, nullable: true, description: 'A decision that can still be undone' })
  held: HeldDecision | null;

  @ApiProperty({ type: 'integer', description: 'The number of the answer that a decision judges' })
  revision: number;

  @ApiProperty({ description: 'Whether a human has changed the answer' })
  edited: boolean;

  @ApiProperty({ format: 'date-time' })
  created_at: string;
}

export class ReviewSummaryPage {
  @ApiProperty({ type: [ReviewSummary] })
  data: ReviewSummary[];

  @ApiProperty()
  has_more: boolean;

  @ApiProperty({ type: String, nullable: true, description: 'Pass it as cursor to go on.' })
  next_cursor: string | null;

  @ApiProperty({ type: 'integer', maximum: 10_000, description: 'How many there are, counted up to 10,000' })
  total: number;
}

export function toSummary(job: Summary): ReviewSummary {
  return {
    id: job.id,
    asked: job.asked ?? '',
    model: job.model,
    priority: job.priority,
    since: job.waitingSince?.toISOString() ?? null,
    deadline_at: job.deadlineAt?.toISOString() ?? null,
    rule: job.rule,
    group: job.group || null,
    approvals: job.approvals,
    approved_by: job.approvedBy,
    rejected_by: job.rejectedBy,
    claim: claimOf(job),
    held: heldOf(job),
    revision: job.revision,
    edited: job.edited,
    created_at: job.createdAt.toISOString(),
  };
}
