import { ApiPropertyOptional } from '@nestjs/swagger';
import { IntegerField, TextField } from '../http/fields';
import { ListField } from '../http/list-fields';

class FieldFaultDto {
  @TextField({ description: 'JSON pointer into the body, or the name of a parameter' })
  pointer: string;

  @TextField()
  detail: string;
}

/** An error as RFC 9457 has it. */
export class Problem {
  @TextField({ example: 'urn:hitl:problem:already_decided' })
  type: string;

  @TextField()
  title: string;

  @IntegerField()
  status: number;

  @TextField({ description: 'Stable; test for this one', example: 'already_decided' })
  code: string;

  @TextField()
  detail: string;

  @TextField({ optional: true, description: 'The path that was asked for, where it could be read' })
  instance?: string;

  @TextField({ description: 'The id under which the server logged the request' })
  request_id: string;

  @ListField(FieldFaultDto, { optional: true })
  errors?: FieldFaultDto[];

  @ApiPropertyOptional({
    description:
      'What is there now, where something else was expected: status, revision, claim, held, decision',
    type: 'object',
    additionalProperties: true,
  })
  current?: object;
}
