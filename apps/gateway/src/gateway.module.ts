import { Module } from '@nestjs/common';
import { JobsController } from './jobs/jobs.controller';
import { JobsService } from './jobs/jobs.service';
import { OriginalApiController } from './original-api/original-api.controller';
import { ReviewsController } from './reviews/reviews.controller';
import { ReviewsService } from './reviews/reviews.service';

@Module({
  controllers: [JobsController, ReviewsController, OriginalApiController],
  providers: [JobsService, ReviewsService],
})
export class GatewayModule {}
