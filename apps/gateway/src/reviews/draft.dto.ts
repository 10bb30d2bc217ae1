import { ApiProperty } from '@nestjs/swagger';
import type { Draft, JsonText } from '@hitl/domain';
import { IsInt, Max, Min } from 'class-validator';
import { IsPresent } from '../http/validate';
import { ApiJson } from '../openapi/any-json';
import { MAX_REVISION } from './decision.dto';

export class SaveDraft {
  @ApiProperty({
    type: 'integer',
    minimum: 1,
    maximum: MAX_REVISION,
    description: 'The revision that it was begun on',
  })
  @IsInt()
  @Min(1)
  @Max(MAX_REVISION)
  revision: number;

  @ApiJson({ description: 'Whatever the reviewer has written so far.' })
  @IsPresent()
  content: JsonText;
}

export class DraftDto {
  @ApiProperty({ type: 'integer' })
  revision: number;

  @ApiJson({ description: 'Whatever was saved.' })
  content: JsonText;

  @ApiProperty({ format: 'date-time' })
  updated_at: string;
}

export function toDraft(draft: Draft): DraftDto {
  return { revision: draft.revision, content: draft.content, updated_at: draft.updatedAt.toISOString() };
}
