import { Module } from '@nestjs/common';
import type { QueueConsumption } from '@hitl/messaging';
import { DecisionsController } from './decisions/decisions.controller';
import { DecisionsService } from './decisions/decisions.service';
import { EventTail } from './events/event-tail.service';
import { EventsController } from './events/events.controller';
import { OpenStreams } from './events/open-streams.service';
import { ExportsController } from './exports/exports.controller';
import { ExportsService } from './exports/exports.service';
import { LargeAnswers } from './http/large-answers';
import { JobsController } from './jobs/jobs.controller';
import { JobsService } from './jobs/jobs.service';
import { WaitingJobs } from './jobs/waiting-jobs.service';
import { ChainService } from './history/chain.service';
import { HistoryController } from './history/history.controller';
import { HeldAnswers } from './openai/held-answers.service';
import { HeldRequests } from './openai/held-requests.service';
import { ModelsService } from './openai/models.service';
import { OpenAiController } from './openai/openai.controller';
import { OriginalApiController } from './original-api/original-api.controller';
import { PoliciesController } from './policies/policies.controller';
import { PoliciesService } from './policies/policies.service';
import { ReviewerController } from './reviewer/reviewer.controller';
import { Desk } from './reviews/desk.service';
import { DraftsController } from './reviews/drafts.controller';
import { ReviewDecisionsController } from './reviews/review-decisions.controller';
import { ReviewsController } from './reviews/reviews.controller';
import { ReviewsService } from './reviews/reviews.service';
import { StatsController } from './stats/stats.controller';
import { StatsService } from './stats/stats.service';
import { SummariesController } from './reviews/summaries.controller';
import { SummariesService } from './reviews/summaries.service';
import { ViewersConsumer } from './viewers/viewers.consumer';
import { ViewersController } from './viewers/viewers.controller';
import { Viewers } from './viewers/viewers.service';
import { Holds } from './waiting/holds.service';
import { JobsChangedConsumer } from './waiting/jobs-changed.consumer';
import { WaitingRoom } from './waiting/waiting-room.service';
import { WebhookSender } from './webhooks/webhook-sender.service';
import { WebhooksController } from './webhooks/webhooks.controller';
import { WebhooksService } from './webhooks/webhooks.service';

/** What a gateway takes from the broker: news only, which it can do without. */
export function consumes(): QueueConsumption[] {
  return [{ queue: 'jobChanges', concurrency: 16, optional: true }];
}

@Module({
  controllers: [
    JobsController,
    ReviewerController,
    ReviewsController,
    ReviewDecisionsController,
    DraftsController,
    SummariesController,
    ViewersController,
    HistoryController,
    DecisionsController,
    PoliciesController,
    EventsController,
    WebhooksController,
    ExportsController,
    StatsController,
    OpenAiController,
    OriginalApiController,
    JobsChangedConsumer,
    ViewersConsumer,
  ],
  providers: [
    LargeAnswers,
    JobsService,
    WaitingJobs,
    ReviewsService,
    Desk,
    ChainService,
    DecisionsService,
    PoliciesService,
    SummariesService,
    Viewers,
    WaitingRoom,
    Holds,
    EventTail,
    OpenStreams,
    HeldAnswers,
    HeldRequests,
    ModelsService,
    WebhookSender,
    WebhooksService,
    ExportsService,
    StatsService,
  ],
})
export class GatewayModule {}
