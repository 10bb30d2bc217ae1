import { Module } from '@nestjs/common';
import { ErrorForms } from '../http/error-form';
import { HttpModule } from '../http/http.module';
import { JobsModule } from '../jobs/jobs.module';
import { ReviewsModule } from '../reviews/reviews.module';
import { OriginalApiController } from './original-api.controller';
import { ORIGINAL_FORM } from './original-error';
import { isOriginalRoute } from './original-routes';

/** The HTTP interface of the original Rust system. */
@Module({ imports: [HttpModule, JobsModule, ReviewsModule], controllers: [OriginalApiController] })
export class OriginalApiModule {
  constructor(forms: ErrorForms) {
    forms.add(isOriginalRoute, ORIGINAL_FORM);
  }
}
