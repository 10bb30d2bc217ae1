import { ApiProperty } from '@nestjs/swagger';
import { IsInt, IsUUID, Max, Min } from 'class-validator';
import { IsListOf } from '../http/validate';
import { Problem } from '../openapi/problem.dto';
import { DecisionDto, LARGEST_REVISION } from './decision.dto';
import { ReviewDto } from './review.dto';

/** Decisions that one request makes at most. */
const MOST_DECISIONS = 200;

/** A decision that says itself what it is about. */
export class BulkDecision extends DecisionDto {
  @ApiProperty({ format: 'uuid' })
  @IsUUID()
  job_id: string;

  @ApiProperty({ type: 'integer', description: 'The revision that was judged', minimum: 1 })
  @IsInt()
  @Min(1)
  @Max(LARGEST_REVISION)
  revision: number;
}

export class BulkDecisions {
  @ApiProperty({ type: [BulkDecision], minItems: 1, maxItems: MOST_DECISIONS })
  @IsListOf(BulkDecision, MOST_DECISIONS)
  decisions: BulkDecision[];
}

/** What became of one of many decisions: the job as it is now, or why nothing was decided. */
export class BulkResult {
  @ApiProperty({ format: 'uuid' })
  job_id: string;

  @ApiProperty({ type: ReviewDto, nullable: true })
  job: ReviewDto | null;

  @ApiProperty({ type: Problem, nullable: true })
  problem: object | null;
}

export class BulkResults {
  @ApiProperty({ type: [BulkResult], description: 'In the order of the decisions' })
  results: BulkResult[];
}
