import { Controller, UseFilters } from '@nestjs/common';
import { EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { DecideReview, EditReview, RethrowFilter, ReviewRequested, type ReviewReply } from '@hitl/messaging';
import { ReviewsService } from './reviews.service';

@Controller()
@UseFilters(RethrowFilter)
export class ReviewsConsumer {
  constructor(private readonly reviews: ReviewsService) {}

  @EventPattern(ReviewRequested.pattern)
  onRequested(@Payload() { jobId }: ReviewRequested): void {
    this.reviews.accept(jobId);
  }

  @MessagePattern(DecideReview.pattern)
  decide(@Payload() request: DecideReview): Promise<ReviewReply> {
    return this.reviews.decide(request);
  }

  @MessagePattern(EditReview.pattern)
  edit(@Payload() change: EditReview): Promise<ReviewReply> {
    return this.reviews.edit(change);
  }
}
