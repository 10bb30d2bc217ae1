import { Column, Entity, PrimaryColumn, PrimaryGeneratedColumn } from 'typeorm';
import type { WebhookType } from './webhook-types';

/** An address of a project's that is told of every job that ends. */
@Entity('webhook_endpoints')
export class WebhookEndpoint {
  @PrimaryColumn('uuid')
  id: string;

  @Column('text')
  project: string;

  @Column('text')
  url: string;

  /** Standard Webhooks' form: `whsec_` and base64. */
  @Column('text')
  secret: string;

  /** Signs beside the new one for a day after a rotation, so that receivers can change over. */
  @Column('text', { name: 'previous_secret', nullable: true })
  previousSecret: string | null;

  @Column('timestamptz', { name: 'previous_secret_until', nullable: true })
  previousSecretUntil: Date | null;

  @Column('timestamptz', { name: 'disabled_at', nullable: true })
  disabledAt: Date | null;

  @Column('text', { name: 'disabled_because', nullable: true })
  disabledBecause: string | null;

  @Column('text', { name: 'idempotency_key', nullable: true })
  idempotencyKey: string | null;

  @Column('bytea', { name: 'request_hash', nullable: true })
  requestHash: Buffer | null;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;
}

export const WEBHOOK_DELIVERY_STATUSES = ['waiting', 'delivered', 'failed'] as const;
export type WebhookDeliveryStatus = (typeof WEBHOOK_DELIVERY_STATUSES)[number];

/** One message to one address, at least once. Its id is the `webhook-id` that receivers deduplicate by. */
@Entity('webhook_deliveries')
export class WebhookDelivery {
  @PrimaryColumn('uuid')
  id: string;

  /** Null for a job's own callback_url. */
  @Column('uuid', { name: 'endpoint_id', nullable: true })
  endpointId: string | null;

  @Column('uuid', { name: 'job_id', nullable: true })
  jobId: string | null;

  @Column('text')
  url: string;

  @Column('text')
  type: WebhookType;

  @Column('text')
  status: WebhookDeliveryStatus;

  @Column('int')
  attempts: number;

  @Column('timestamptz', { name: 'due_at', nullable: true })
  dueAt: Date | null;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;

  @Column('timestamptz', { name: 'finished_at', nullable: true })
  finishedAt: Date | null;
}

/** One try at a delivery. */
@Entity('webhook_attempts')
export class WebhookAttempt {
  @PrimaryGeneratedColumn('identity', { type: 'bigint', generatedIdentity: 'ALWAYS' })
  id: string;

  @Column('uuid', { name: 'delivery_id' })
  deliveryId: string;

  @Column('int', { name: 'status_code', nullable: true })
  statusCode: number | null;

  @Column('text', { nullable: true })
  error: string | null;

  @Column('int', { name: 'duration_ms' })
  durationMs: number;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;
}
