import { Module } from '@nestjs/common';
import { WebhookSender } from './webhook-sender.service';
import { WebhooksController } from './webhooks.controller';
import { WebhooksService } from './webhooks.service';

/** Endpoints that are called when jobs end, and the calls. */
@Module({
  controllers: [WebhooksController],
  providers: [WebhookSender, WebhooksService],
  exports: [WebhookSender, WebhooksService],
})
export class WebhooksModule {}
