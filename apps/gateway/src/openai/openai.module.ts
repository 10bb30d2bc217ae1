import { Module } from '@nestjs/common';
import { ErrorForms } from '../http/error-form';
import { HttpModule } from '../http/http.module';
import { JobsModule } from '../jobs/jobs.module';
import { WaitingModule } from '../waiting/waiting.module';
import { HeldResponses } from './held-responses.service';
import { HeldRequests } from './held-requests.service';
import { ModelsService } from './models.service';
import { OPENAI_FORM } from './openai-error';
import { isOpenAiRoute } from './openai-routes';
import { OpenAiController } from './openai.controller';

/** The API for OpenAI's SDKs. */
@Module({
  imports: [HttpModule, JobsModule, WaitingModule],
  controllers: [OpenAiController],
  providers: [HeldResponses, HeldRequests, ModelsService],
  exports: [HeldResponses],
})
export class OpenAiModule {
  constructor(forms: ErrorForms) {
    forms.add(isOpenAiRoute, OPENAI_FORM);
  }
}
