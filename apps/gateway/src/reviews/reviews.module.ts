import { Module } from '@nestjs/common';
import { HttpModule } from '../http/http.module';
import { IdentityModule } from '../identity/identity.module';
import { JobsModule } from '../jobs/jobs.module';
import { Desk } from './desk.service';
import { DraftsController } from './drafts.controller';
import { ReviewDecisionsController } from './review-decisions.controller';
import { ReviewerController } from './reviewer.controller';
import { ReviewsController } from './reviews.controller';
import { ReviewsService } from './reviews.service';
import { SummariesController } from './summaries.controller';
import { SummariesService } from './summaries.service';
import { ViewersConsumer } from './viewers.consumer';
import { ViewersController } from './viewers.controller';
import { Viewers } from './viewers.service';

/** The review desk: what waits, who looks at it, and what is decided. */
@Module({
  imports: [HttpModule, IdentityModule, JobsModule],
  controllers: [
    ReviewerController,
    ReviewsController,
    ReviewDecisionsController,
    DraftsController,
    SummariesController,
    ViewersController,
    ViewersConsumer,
  ],
  providers: [Desk, ReviewsService, SummariesService, Viewers],
  exports: [ReviewsService, Viewers],
})
export class ReviewsModule {}
