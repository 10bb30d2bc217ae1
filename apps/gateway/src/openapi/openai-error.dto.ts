import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

class OpenAiErrorBody {
  @ApiProperty({ description: 'For people.' })
  message: string;

  @ApiProperty({ example: 'invalid_request_error' })
  type: string;

  @ApiProperty({ type: String, nullable: true, description: 'The parameter at fault.' })
  param: string | null;

  @ApiProperty({
    description: "Stable; test for this one. Of a failed model, the provider's own where it named one.",
    example: 'review_pending',
  })
  code: string;

  @ApiPropertyOptional({ format: 'uuid', description: 'The job, where there is one.' })
  job_id?: string;

  @ApiPropertyOptional({ description: 'Where to read the job.' })
  job_url?: string;

  @ApiPropertyOptional({ type: 'integer', description: "The status that the model's provider returned." })
  provider_status?: number;
}

/** An error as OpenAI's SDKs read it. */
export class OpenAiError {
  @ApiProperty({ type: OpenAiErrorBody })
  error: OpenAiErrorBody;
}
