import { Module } from '@nestjs/common';
import { HttpModule } from '../http/http.module';
import { WaitingModule } from '../waiting/waiting.module';
import { WebhooksModule } from '../webhooks/webhooks.module';
import { JobsController } from './jobs.controller';
import { JobsService } from './jobs.service';
import { WaitingJobs } from './waiting-jobs.service';

/** Jobs as their submitters see them. */
@Module({
  imports: [HttpModule, WaitingModule, WebhooksModule],
  controllers: [JobsController],
  providers: [JobsService, WaitingJobs],
  exports: [JobsService],
})
export class JobsModule {}
