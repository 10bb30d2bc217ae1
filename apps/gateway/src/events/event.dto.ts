import type { JobEventType, JobStatus } from '@hitl/domain';
import { EnumField, IntegerField, TextField, TimeField, UuidField } from '../http/fields';
import { TextsField } from '../http/list-fields';

/** The data of one server-sent event: what happened to a job. */
export class JobEventDto {
  @TextField({ description: 'The id of the event: send it as Last-Event-ID to go on after it' })
  id: string;

  @UuidField()
  job_id: string;

  @EnumField('JobEventType')
  type: JobEventType;

  @EnumField('JobStatus', { description: 'After the event' })
  status: JobStatus;

  @IntegerField({ min: 0 })
  revision: number;

  @TextField({ description: 'Who did it' })
  actor: string;

  @TimeField()
  created_at: string;
}

/** The data of an event of the type `viewers`: who looks at a job. */
export class ViewersEventDto {
  @UuidField()
  job_id: string;

  @TextsField()
  viewers: string[];
}

/** The data of an event of the type `reset`: none. Of a class without fields Nest would say that it may have any. */
export const RESET_EVENT = {
  name: 'ResetEventDto',
  schema: { type: 'object', additionalProperties: false, description: 'Empty: read again what you follow' },
} as const;
