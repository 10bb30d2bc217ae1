import type { FieldFault, JobStatus, Summary } from '@hitl/domain';
import { bodyRefused } from '../http/faults';
import { EnumField, IntegerField, ObjectField, TimeField, UuidField } from '../http/fields';
import { ListField } from '../http/list-fields';
import { Problem } from '../openapi/problem.dto';
import { DecisionDto, MAX_REVISION } from './decision.dto';
import { toWaiting, WaitingReview } from './waiting.dto';

/** Decisions that one request makes at most. */
const MAX_DECISIONS = 200;

/** A decision that says itself what it is about. */
export class BulkDecision extends DecisionDto {
  @UuidField()
  job_id: string;

  @IntegerField({ description: 'The revision that was judged', min: 1, max: MAX_REVISION })
  revision: number;
}

export class BulkDecisions {
  @ListField(BulkDecision, { most: MAX_DECISIONS })
  decisions: BulkDecision[];
}

/** A job that was decided, without what it is about. */
class DecidedJob {
  @EnumField('JobStatus')
  status: JobStatus;

  @IntegerField({ description: 'The number of the current response' })
  revision: number;

  @TimeField()
  updated_at: string;

  @ObjectField(WaitingReview)
  review: WaitingReview;
}

/** What became of one of many decisions: the job as it is now, or why nothing was decided. */
export class BulkResult {
  @UuidField()
  job_id: string;

  @ObjectField(DecidedJob, { nullable: true })
  job: DecidedJob | null;

  @ObjectField(Problem, { nullable: true })
  problem: object | null;
}

export class BulkResults {
  @ListField(BulkResult, { description: 'In the order of the decisions' })
  results: BulkResult[];
}

export function toDecided(job: Summary): DecidedJob {
  return {
    status: job.status,
    revision: job.revision,
    updated_at: job.updatedAt.toISOString(),
    review: toWaiting(job),
  };
}

/** Refuses ids that several of the decisions have: each would stand for the other. @throws DomainError `invalid_request` */
export function requireDistinctIds(decisions: BulkDecision[]): void {
  const first = new Map<string, number>();
  const faults: FieldFault[] = [];
  for (const [index, { id }] of decisions.entries()) {
    const key = id?.toLowerCase();
    if (key === undefined) continue;
    const earlier = first.get(key);
    if (earlier === undefined) first.set(key, index);
    else
      faults.push({ pointer: `/decisions/${index}/id`, detail: `is the id of /decisions/${earlier}, too` });
  }
  if (faults.length > 0) throw bodyRefused(faults);
}
