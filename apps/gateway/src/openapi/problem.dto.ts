import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

class FieldFaultDto {
  @ApiProperty({ description: 'JSON pointer into the body, or the name of a parameter' })
  pointer: string;

  @ApiProperty()
  detail: string;
}

/** An error as RFC 9457 has it. */
export class Problem {
  @ApiProperty({ example: 'urn:hitl:problem:already_decided' })
  type: string;

  @ApiProperty()
  title: string;

  @ApiProperty({ type: 'integer' })
  status: number;

  @ApiProperty({ description: 'Stable; test for this one', example: 'already_decided' })
  code: string;

  @ApiProperty()
  detail: string;

  @ApiPropertyOptional({ description: 'The path that was asked for, where it could be read' })
  instance?: string;

  @ApiProperty({ description: 'The id under which the server logged the request' })
  request_id: string;

  @ApiPropertyOptional({ type: [FieldFaultDto] })
  errors?: FieldFaultDto[];

  @ApiPropertyOptional({
    description:
      'What is there now, where something else was expected: status, revision, claim, held, decision',
    type: 'object',
    additionalProperties: true,
  })
  current?: object;
}
