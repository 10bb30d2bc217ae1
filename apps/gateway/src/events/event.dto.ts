import { ApiProperty } from '@nestjs/swagger';
import type { JobEventType, JobStatus } from '@hitl/domain';
import { EnumField } from '../http/fields';

/** The data of one server-sent event: what happened to a job. */
export class JobEventDto {
  @ApiProperty({ description: 'The id of the event: send it as Last-Event-ID to go on after it' })
  id: string;

  @ApiProperty({ format: 'uuid' })
  job_id: string;

  @EnumField('JobEventType')
  type: JobEventType;

  @EnumField('JobStatus', { description: 'After the event' })
  status: JobStatus;

  @ApiProperty({ type: 'integer', minimum: 0 })
  revision: number;

  @ApiProperty({ description: 'Who did it' })
  actor: string;

  @ApiProperty({ format: 'date-time' })
  created_at: string;
}

/** The data of an event of the type `viewers`: who looks at a job. */
export class ViewersEventDto {
  @ApiProperty({ format: 'uuid' })
  job_id: string;

  @ApiProperty({ type: [String] })
  viewers: string[];
}

/** The data of an event of the type `reset`: none. Of a class without fields Nest would say that it may have any. */
export const RESET_EVENT = {
  name: 'ResetEventDto',
  schema: { type: 'object', additionalProperties: false, description: 'Empty: read again what you follow' },
} as const;
