import { Controller, UseFilters } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { InferenceRequested, RethrowFilter } from '@hitl/messaging';
import { InferenceService } from './inference.service';

@Controller()
@UseFilters(RethrowFilter)
export class InferenceConsumer {
  constructor(private readonly inference: InferenceService) {}

  /** Resolves once the database holds the outcome; the transport acknowledges only then. */
  @EventPattern(InferenceRequested.pattern)
  onRequested(@Payload() { jobId }: InferenceRequested): Promise<void> {
    return this.inference.run(jobId);
  }
}
