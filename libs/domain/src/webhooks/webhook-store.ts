import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Scope } from '../caller';
import { prepared } from '../prepared';
import { WebhookAttempt, WebhookDelivery, WebhookEndpoint } from './webhook.entities';

/** Deliveries and attempts that a list answers at most. */
const MAX_LIST_LENGTH = 100;
/** Pings of an endpoint, and tries of a delivery before it may be sent again, within a minute: more would be a flood. */
const MAX_PINGS_PER_MINUTE = 10;
const MAX_TRIES_PER_MINUTE = 20;
/** Seconds for which a sender has the deliveries it took: longer than a call may take. */
const SENDER_LEASE_SECONDS = 60;

/** A delivery that a sender has taken. */
export interface DueDelivery {
  id: string;
  url: string;
  type: WebhookDelivery['type'];
  jobId: string | null;
  endpointId: string | null;
  attempts: number;
  createdAt: Date;
  /** When it was taken, on the database's clock. */
  takenAt: Date;
  /** The endpoint's secrets, newest first; empty for a job's callback_url. */
  secrets: string[];
}

/** What became of one try. */
export interface DeliveryOutcome {
  deliveryId: string;
  /** Its tries before this one, as they were when it was taken. */
  attempts: number;
  statusCode: number | null;
  error: string | null;
  durationMs: number;
  /** `delivered`, `failed` for good, or milliseconds until the next try. */
  next: 'delivered' | 'failed' | number;
  /** The receiver is gone: tell it no more. */
  disable: boolean;
}

export type NewEndpoint = Pick<
  WebhookEndpoint,
  'id' | 'project' | 'url' | 'secret' | 'idempotencyKey' | 'requestHash'
>;

/** Webhook endpoints and their deliveries. */
@Injectable()
export class WebhookStore {
  constructor(@Inject(DataSource) private readonly database: DataSource) {}

  /** Adds an endpoint; null if the project has one under the same idempotency key. */
  async create(endpoint: NewEndpoint): Promise<WebhookEndpoint | null> {
    const rows: { id: string }[] = await this.database.query(
      `WITH added AS (
         INSERT INTO webhook_endpoints (id, project, url, secret, idempotency_key, request_hash)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (project, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING RETURNING id
       ) SELECT id FROM added`,
      [
        endpoint.id,
        endpoint.project,
        endpoint.url,
        endpoint.secret,
        endpoint.idempotencyKey,
        endpoint.requestHash,
      ],
    );
    return rows.length > 0 ? this.find(endpoint, endpoint.id) : null;
  }

  find({ project }: Scope, id: string): Promise<WebhookEndpoint | null> {
    return this.database.getRepository(WebhookEndpoint).findOneBy({ project, id });
  }

  findByKey({ project }: Scope, idempotencyKey: string): Promise<WebhookEndpoint | null> {
    return this.database.getRepository(WebhookEndpoint).findOneBy({ project, idempotencyKey });
  }

  count({ project }: Scope): Promise<number> {
    return this.database.getRepository(WebhookEndpoint).countBy({ project });
  }

  list({ project }: Scope): Promise<WebhookEndpoint[]> {
    return this.database
      .getRepository(WebhookEndpoint)
      .find({ where: { project }, order: { id: 'ASC' }, take: MAX_LIST_LENGTH });
  }

  /** Answers whether it was there. Its deliveries go with it. */
  async remove({ project }: Scope, id: string): Promise<boolean> {
    const { affected } = await this.database.getRepository(WebhookEndpoint).delete({ project, id });
    return affected === 1;
  }

  /** A new secret; the old one signs, too, for another day. */
  async rotate({ project }: Scope, id: string, secret: string): Promise<WebhookEndpoint | null> {
    await this.database.query(
      `UPDATE webhook_endpoints
       SET previous_secret = secret, previous_secret_until = now() + interval '1 day', secret = $3
       WHERE project = $1 AND id = $2`,
      [project, id, secret],
    );
    return this.find({ project }, id);
  }

  /** Owes an endpoint a message that carries nothing; answers the delivery's id, null where too many were asked for. */
  async ping(endpoint: WebhookEndpoint): Promise<string | null> {
    const rows: { id: string }[] = await this.database.query(
      `WITH added AS (
         INSERT INTO webhook_deliveries (endpoint_id, url, type, due_at)
         SELECT $1, $2, 'ping', now()
         WHERE (SELECT count(*) FROM webhook_deliveries
                WHERE endpoint_id = $1 AND type = 'ping' AND created_at > now() - interval '1 minute') < $3
         RETURNING id
       ) SELECT id FROM added`,
      [endpoint.id, endpoint.url, MAX_PINGS_PER_MINUTE],
    );
    return rows[0]?.id ?? null;
  }

  /** The newest deliveries to an endpoint or of a job with their attempts, newest first. */
  deliveries(
    { project }: Scope,
    of: { endpointId: string } | { jobId: string },
  ): Promise<(WebhookDelivery & { tries: WebhookAttempt[] })[]> {
    // One snapshot: a delivery is never seen without the attempt that settled it, nor the other way round.
    return this.database.transaction('REPEATABLE READ', async (manager) => {
      const deliveries = await manager
        .createQueryBuilder(WebhookDelivery, 'delivery')
        .where(of)
        // A ping is of no job.
        .andWhere(
          `coalesce((SELECT project FROM webhook_endpoints WHERE id = delivery.endpointId),
             (SELECT project FROM jobs WHERE id = delivery.jobId)) = :project`,
          { project },
        )
        .orderBy('delivery.createdAt', 'DESC')
        .take(MAX_LIST_LENGTH)
        .getMany();
      const attempts = await manager
        .createQueryBuilder(WebhookAttempt, 'attempt')
        .where('attempt.deliveryId = ANY(:ids)', { ids: deliveries.map((delivery) => delivery.id) })
        .orderBy('attempt.id', 'DESC')
        .take(MAX_LIST_LENGTH * 10)
        .getMany();
      return deliveries.map((delivery) =>
        Object.assign(delivery, { tries: attempts.filter((attempt) => attempt.deliveryId === delivery.id) }),
      );
    });
  }

  /** Owes a delivery again, whatever became of it; `too_many` where it was tried too often just now. */
  async redeliver(
    { id: endpointId }: Pick<WebhookEndpoint, 'id'>,
    deliveryId: string,
  ): Promise<'owed' | 'not_found' | 'too_many'> {
    const rows: { owed: boolean }[] = await this.database.query(
      `WITH found AS (
         SELECT id, (SELECT count(*) FROM webhook_attempts a
                     WHERE a.delivery_id = d.id AND a.created_at > now() - interval '1 minute') < $3 AS owed
         FROM webhook_deliveries d WHERE id = $2 AND endpoint_id = $1
       ), again AS (
         UPDATE webhook_deliveries SET status = 'waiting', due_at = now(), attempts = 0, finished_at = NULL
         FROM found WHERE webhook_deliveries.id = found.id AND found.owed
       ) SELECT owed FROM found`,
      [endpointId, deliveryId, MAX_TRIES_PER_MINUTE],
    );
    const [found] = rows;
    if (!found) return 'not_found';
    return found.owed ? 'owed' : 'too_many';
  }

  /**
   * Takes up to `limit` deliveries that are due; no two senders get the same one at a time.
   * @param busyUrls whose deliveries stay where they are
   */
  takeDue(limit: number, busyUrls: string[]): Promise<DueDelivery[]> {
    return this.database.query(
      prepared(
        'due-webhooks',
        `WITH due AS (
         SELECT id FROM webhook_deliveries WHERE status = 'waiting' AND due_at <= now() AND url <> ALL ($3)
         ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED
       ), taken AS (
         UPDATE webhook_deliveries d SET due_at = now() + $2 * interval '1 second'
         FROM due WHERE d.id = due.id RETURNING d.*
       )
       SELECT taken.id, taken.url, taken.type, taken.job_id AS "jobId", taken.endpoint_id AS "endpointId", taken.attempts,
              taken.created_at AS "createdAt", clock_timestamp() AS "takenAt",
              array_remove(ARRAY[e.secret, CASE WHEN e.previous_secret_until > now() THEN e.previous_secret END], NULL) AS secrets
       FROM taken LEFT JOIN webhook_endpoints e ON e.id = taken.endpoint_id`,
      ),
      [limit, SENDER_LEASE_SECONDS, busyUrls],
    );
  }

  /**
   * Writes what became of a try, and when the next one is; nothing if another sender was quicker.
   * An endpoint that is gone is disabled, and one that takes a message again is enabled.
   */
  async settle(outcome: DeliveryOutcome): Promise<void> {
    const { deliveryId, next } = outcome;
    await this.database.query(
      `WITH delivery AS (
         UPDATE webhook_deliveries
         SET attempts = attempts + 1, status = $2, due_at = now() + $3 * interval '1 millisecond',
             finished_at = CASE WHEN $2 <> 'waiting' THEN now() END
         WHERE id = $1 AND status = 'waiting' AND attempts = $8 RETURNING id, endpoint_id
       ), attempt AS (
         INSERT INTO webhook_attempts (delivery_id, status_code, error, duration_ms)
         SELECT id, $4::int, $5::text, $6::int FROM delivery
       ), endpoint AS (
         UPDATE webhook_endpoints e
         SET disabled_at = CASE WHEN $7 THEN now() END,
             disabled_because = CASE WHEN $7 THEN 'the receiver answered 410 Gone' END
         FROM delivery
         WHERE e.id = delivery.endpoint_id AND (e.disabled_at IS NULL) = $7::boolean AND ($7 OR $2 = 'delivered')
       )
       SELECT id FROM delivery`,
      [
        deliveryId,
        typeof next === 'number' ? 'waiting' : next,
        typeof next === 'number' ? next : null,
        outcome.statusCode,
        outcome.error,
        outcome.durationMs,
        outcome.disable,
        outcome.attempts,
      ],
    );
  }
}
