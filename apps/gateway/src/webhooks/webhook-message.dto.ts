import { ApiProperty } from '@nestjs/swagger';
import { JOB_WEBHOOK_TYPES, JOB_WEBHOOKS, type JobStatus, type JobWebhookType } from '@hitl/domain';
import { EnumField, ObjectField, TimeField, UuidField } from '../http/fields';

class WebhookData {
  @UuidField({ description: 'The job: read it at /v1/jobs/{id}' })
  id: string;

  @EnumField('JobStatus')
  status: JobStatus;
}

/** What is posted to a webhook's receiver when a job has ended. It carries no payload and no response. */
export class WebhookMessage {
  @EnumField(JOB_WEBHOOK_TYPES)
  type: JobWebhookType;

  @TimeField({ description: 'When the job ended' })
  timestamp: string;

  @ObjectField(WebhookData)
  data: WebhookData;
}

/** What is posted to an endpoint that was asked to reply to a ping. */
export class WebhookPing {
  @ApiProperty({ enum: ['ping'] })
  type: 'ping';

  @TimeField()
  timestamp: string;

  @ApiProperty({ type: 'object', additionalProperties: false, description: 'Empty' })
  data: object;
}

const header = (name: string, description: string) => ({
  name,
  in: 'header',
  required: true,
  description,
  schema: { type: 'string' },
});

const operation = (operationId: string, summary: string, schema = 'WebhookMessage') => ({
  post: {
    operationId,
    tags: ['webhook messages'],
    summary,
    description:
      'Signed as Standard Webhooks (https://www.standardwebhooks.com) has it. Reply with any 2xx within 15 seconds; anything else is tried again.',
    parameters: [
      header('webhook-id', 'The delivery, the same in every try'),
      header('webhook-timestamp', 'When this try was made, in seconds since 1970'),
      header('webhook-signature', 'One or more signatures `v1,…`, separated by blanks'),
    ],
    requestBody: {
      required: true,
      content: { 'application/json': { schema: { $ref: `#/components/schemas/${schema}` } } },
    },
    responses: { '2XX': { description: 'Received' } },
  },
});

/** The webhooks that this server sends, as `components/pathItems` of OpenAPI 3.1 describes them. */
export const WEBHOOK_ITEMS = {
  ...Object.fromEntries(
    JOB_WEBHOOK_TYPES.map((type) => [
      type,
      operation(
        type.replace(/[._]([a-z])/g, (_, letter: string) => letter.toUpperCase()),
        JOB_WEBHOOKS[type].summary,
      ),
    ]),
  ),
  ping: operation('ping', 'A ping was requested', 'WebhookPing'),
};

/** References to {@link WEBHOOK_ITEMS}: what stands in `webhooks` itself, openapi-generator takes for calls of a client, and breaks. */
export const WEBHOOKS = Object.fromEntries(
  Object.keys(WEBHOOK_ITEMS).map((name) => [name, { $ref: `#/components/pathItems/${name}` }]),
);
