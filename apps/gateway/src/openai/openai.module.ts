import { Module } from '@nestjs/common';
import { JobsModule } from '../jobs/jobs.module';
import { WaitingModule } from '../waiting/waiting.module';
import { HeldAnswers } from './held-answers.service';
import { HeldRequests } from './held-requests.service';
import { ModelsService } from './models.service';
import { OpenAiController } from './openai.controller';

/** Doors for the SDKs of OpenAI. */
@Module({
  imports: [JobsModule, WaitingModule],
  controllers: [OpenAiController],
  providers: [HeldAnswers, HeldRequests, ModelsService],
})
export class OpenAiModule {}
