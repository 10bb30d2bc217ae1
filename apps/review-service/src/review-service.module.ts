import { Module } from '@nestjs/common';
import type { QueueConsumption } from '@hitl/messaging';
import { Deadlines } from './deadlines/deadlines.service';
import { PoliciesConsumer } from './policies/policies.consumer';
import { PolicyQueries } from './policies/policy-queries.service';
import { PolicyFile } from './policies/policy-file.service';
import { ReviewPlanner } from './policies/review-planner.service';
import { Reconciler } from './reconciler/reconciler.service';
import { Retention } from './retention/retention.service';
import { ClaimsService } from './reviews/claims.service';
import { VerdictsService } from './reviews/verdicts.service';
import { DeskJobs } from './reviews/desk-jobs.service';
import { ReviewsConsumer } from './reviews/reviews.consumer';
import { RevisionsService } from './reviews/revisions.service';

/** Messages of each queue that one review service handles at once. */
const CONCURRENCY = 100;

/** What a review service takes from the broker. */
export function consumes(): QueueConsumption[] {
  return [
    { queue: 'review', concurrency: CONCURRENCY },
    { queue: 'reviewCommands', concurrency: CONCURRENCY },
  ];
}

@Module({
  controllers: [ReviewsConsumer, PoliciesConsumer],
  providers: [
    RevisionsService,
    ClaimsService,
    VerdictsService,
    DeskJobs,
    ReviewPlanner,
    PolicyFile,
    PolicyQueries,
    Deadlines,
    Reconciler,
    Retention,
  ],
})
export class ReviewServiceModule {}
