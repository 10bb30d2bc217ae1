import { Module } from '@nestjs/common';
import type { Config } from '@hitl/config';
import type { QueueConsumption } from '@hitl/messaging';
import { InferenceConsumer } from './inference/inference.consumer';
import { InferenceService } from './inference/inference.service';
import { LeaseKeeper } from './inference/lease-keeper';
import { configuredRouter } from './model-providers/configured-router';

/** What a worker takes from the broker. */
export function consumes(config: Config): QueueConsumption[] {
  return [{ queue: 'inference', concurrency: config.WORKER_CONCURRENCY }];
}

@Module({
  controllers: [InferenceConsumer],
  providers: [InferenceService, LeaseKeeper, configuredRouter],
})
export class InferenceWorkerModule {}
