import { IntegerField, ObjectField, TextField, UuidField } from '../http/fields';

class AnthropicErrorBody {
  @TextField({ example: 'invalid_request_error' })
  type: string;

  @TextField({ description: 'For people.' })
  message: string;

  @TextField({ description: 'Stable; test for this one.', example: 'review_pending' })
  code: string;

  @TextField({ optional: true, description: 'The parameter at fault.' })
  param?: string;

  @UuidField({ optional: true, description: 'The job, where there is one.' })
  job_id?: string;

  @TextField({ optional: true, description: 'Where to read the job.' })
  job_url?: string;

  @IntegerField({ optional: true, description: "The status that the model's provider returned." })
  provider_status?: number;
}

/** An error as Anthropic's SDKs read it. */
export class AnthropicError {
  @TextField({ description: 'Always `error`.', example: 'error' })
  type: string;

  @ObjectField(AnthropicErrorBody)
  error: AnthropicErrorBody;

  @TextField({ description: 'The id under which the server logged the request.' })
  request_id: string;
}
