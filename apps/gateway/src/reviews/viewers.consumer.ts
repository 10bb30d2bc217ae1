import { Controller, UseFilters } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { ApiExcludeController } from '@nestjs/swagger';
import { RethrowFilter, ReviewViewed } from '@hitl/messaging';
import { Viewers } from './viewers.service';

@ApiExcludeController()
@Controller()
@UseFilters(RethrowFilter)
export class ViewersConsumer {
  constructor(private readonly viewers: Viewers) {}

  @EventPattern(ReviewViewed.pattern)
  onViewed(@Payload() viewed: ReviewViewed): void {
    this.viewers.hear(viewed);
  }
}
