import { Module } from '@nestjs/common';
import { JobsModule } from '../jobs/jobs.module';
import { ReviewsModule } from '../reviews/reviews.module';
import { EventTail } from './event-tail.service';
import { EventsController } from './events.controller';
import { OpenStreams } from './open-streams.service';

/** Streams of what happens to jobs. */
@Module({
  imports: [JobsModule, ReviewsModule],
  controllers: [EventsController],
  providers: [EventTail, OpenStreams],
  exports: [EventTail, OpenStreams],
})
export class EventsModule {}
