import type {
  WebhookAttempt,
  WebhookDelivery,
  WebhookDeliveryStatus,
  WebhookEndpoint,
  WebhookType,
} from '@hitl/domain';
import { EnumField, IntegerField, TextField, TimeField, UuidField } from '../http/fields';
import { ListField } from '../http/list-fields';
import { MAX_URL_LENGTH } from './destination';

export class CreateWebhookEndpoint {
  @TextField({
    description: 'http or https, without credentials or fragment, on the public internet.',
    format: 'uri',
    max: MAX_URL_LENGTH,
    example: 'https://example.com/hooks/hitl',
  })
  url: string;
}

export class WebhookEndpointDto {
  @UuidField()
  id: string;

  @TextField({ format: 'uri', example: 'https://example.com/hooks/hitl' })
  url: string;

  @TimeField({
    nullable: true,
    description:
      'Since when it is notified of no more jobs. A ping or a redelivery that gets a 2xx enables it again.',
  })
  disabled_at: string | null;

  @TextField({ nullable: true })
  disabled_because: string | null;

  @TimeField()
  created_at: string;
}

export class WebhookEndpointWithSecret extends WebhookEndpointDto {
  @TextField({
    description: 'Verifies the header webhook-signature (Standard Webhooks). Shown only here.',
    example: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=',
  })
  secret: string;
}

export class WebhookEndpointList {
  @ListField(WebhookEndpointDto)
  data: WebhookEndpointDto[];
}

export class OwedDelivery {
  @UuidField({ description: 'The header webhook-id of every try' })
  delivery_id: string;
}

export class WebhookAttemptDto {
  @IntegerField({ nullable: true, description: 'The status that the receiver returned, if it replied' })
  status_code: number | null;

  @TextField({ nullable: true, description: 'What went wrong, for people.' })
  error: string | null;

  @IntegerField()
  duration_ms: number;

  @TimeField()
  created_at: string;
}

export class WebhookDeliveryDto {
  @UuidField({ description: 'The header webhook-id of every try' })
  id: string;

  @EnumField('WebhookType', { description: 'What it reports.' })
  type: WebhookType;

  @UuidField({ nullable: true })
  job_id: string | null;

  @UuidField({ nullable: true, description: "The endpoint that it goes to; null: the job's callback_url" })
  endpoint_id: string | null;

  @EnumField('WebhookDeliveryStatus', { description: 'Whether it was delivered.' })
  status: WebhookDeliveryStatus;

  @ListField(WebhookAttemptDto, { description: 'Newest first' })
  attempts: WebhookAttemptDto[];

  @TimeField({ nullable: true, description: 'Of the next try' })
  due_at: string | null;

  @TimeField()
  created_at: string;

  @TimeField({ nullable: true })
  finished_at: string | null;
}

export class WebhookDeliveryList {
  @ListField(WebhookDeliveryDto, { description: 'The newest 100, newest first' })
  data: WebhookDeliveryDto[];
}

export function endpointDto(endpoint: WebhookEndpoint): WebhookEndpointDto {
  return {
    id: endpoint.id,
    url: endpoint.url,
    disabled_at: endpoint.disabledAt?.toISOString() ?? null,
    disabled_because: endpoint.disabledBecause,
    created_at: endpoint.createdAt.toISOString(),
  };
}

export function withSecret(endpoint: WebhookEndpoint): WebhookEndpointWithSecret {
  return Object.assign(endpointDto(endpoint), { secret: endpoint.secret });
}

export function deliveryDto(delivery: WebhookDelivery & { tries: WebhookAttempt[] }): WebhookDeliveryDto {
  return {
    id: delivery.id,
    type: delivery.type,
    job_id: delivery.jobId,
    endpoint_id: delivery.endpointId,
    status: delivery.status,
    attempts: delivery.tries.map((attempt) => ({
      status_code: attempt.statusCode,
      error: attempt.error,
      duration_ms: attempt.durationMs,
      created_at: attempt.createdAt.toISOString(),
    })),
    due_at: delivery.dueAt?.toISOString() ?? null,
    created_at: delivery.createdAt.toISOString(),
    finished_at: delivery.finishedAt?.toISOString() ?? null,
  };
}
