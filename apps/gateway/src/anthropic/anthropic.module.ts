import { Module } from '@nestjs/common';
import { ErrorForms } from '../http/error-form';
import { HttpModule } from '../http/http.module';
import { OpenAiModule } from '../openai/openai.module';
import { ANTHROPIC_FORM, isAnthropicRoute } from './anthropic-error';
import { AnthropicController } from './anthropic.controller';

/** The door for the SDKs of Anthropic. */
@Module({
  imports: [HttpModule, OpenAiModule],
  controllers: [AnthropicController],
})
export class AnthropicModule {
  constructor(forms: ErrorForms) {
    forms.add(isAnthropicRoute, ANTHROPIC_FORM);
  }
}
