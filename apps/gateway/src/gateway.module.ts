import { Module } from '@nestjs/common';
import type { QueueConsumption } from '@hitl/messaging';
import { AnthropicModule } from './anthropic/anthropic.module';
import { JobsChangedConsumer } from './app/jobs-changed.consumer';
import { EventsModule } from './events/events.module';
import { IdentityModule } from './identity/identity.module';
import { InsightModule } from './insight/insight.module';
import { JobsModule } from './jobs/jobs.module';
import { OpenAiModule } from './openai/openai.module';
import { OriginalApiModule } from './original-api/original-api.module';
import { PoliciesModule } from './policies/policies.module';
import { ReviewsModule } from './reviews/reviews.module';
import { WaitingModule } from './waiting/waiting.module';
import { WebhooksModule } from './webhooks/webhooks.module';

/** What a gateway takes from the broker: news only, which it can do without. */
export function consumes(): QueueConsumption[] {
  return [{ queue: 'jobChanges', concurrency: 16, optional: true }];
}

@Module({
  imports: [
    JobsModule,
    ReviewsModule,
    InsightModule,
    PoliciesModule,
    EventsModule,
    WebhooksModule,
    OpenAiModule,
    AnthropicModule,
    OriginalApiModule,
    WaitingModule,
    IdentityModule,
  ],
  controllers: [JobsChangedConsumer],
})
export class GatewayModule {}
