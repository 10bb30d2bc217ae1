import { Module } from '@nestjs/common';
import { HttpModule } from '../http/http.module';
import { JobsModule } from '../jobs/jobs.module';
import { ReviewsModule } from '../reviews/reviews.module';
import { OriginalApiController } from './original-api.controller';

/** The HTTP interface of the original Rust system. */
@Module({ imports: [HttpModule, JobsModule, ReviewsModule], controllers: [OriginalApiController] })
export class OriginalApiModule {}
