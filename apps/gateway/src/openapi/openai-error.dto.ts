import { IntegerField, ObjectField, TextField, UuidField } from '../http/fields';

class OpenAiErrorBody {
  @TextField({ description: 'For people.' })
  message: string;

  @TextField({ example: 'invalid_request_error' })
  type: string;

  @TextField({ nullable: true, description: 'The parameter at fault.' })
  param: string | null;

  @TextField({
    description: "Stable; test for this one. Of a failed model, the provider's own where it named one.",
    example: 'review_pending',
  })
  code: string;

  @UuidField({ optional: true, description: 'The job, where there is one.' })
  job_id?: string;

  @TextField({ optional: true, description: 'Where to read the job.' })
  job_url?: string;

  @IntegerField({ optional: true, description: "The status that the model's provider returned." })
  provider_status?: number;
}

/** An error as OpenAI's SDKs read it. */
export class OpenAiError {
  @ObjectField(OpenAiErrorBody)
  error: OpenAiErrorBody;
}
