import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Config } from '@hitl/config';
import {
  DomainError,
  isJobId,
  WebhookStore,
  type Scope,
  type WebhookAttempt,
  type WebhookDelivery,
  type WebhookEndpoint,
} from '@hitl/domain';
import { quote } from '@hitl/shapes';
import { v7 as uuidv7 } from 'uuid';
import { requireSameRequest, type Idempotency } from '../http/idempotency';
import { requireWebhookUrl } from './destination';
import { WebhookSender } from './webhook-sender.service';

/** Endpoints of a project at most. */
const MAX_ENDPOINTS = 50;

@Injectable()
export class WebhooksService {
  constructor(
    private readonly store: WebhookStore,
    private readonly sender: WebhookSender,
    private readonly config: Config,
  ) {}

  /**
   * The URL that a job's submitter wants to be notified at, in its normal form.
   * @throws DomainError invalid_request when the URL may not be called, or nothing could sign the call
   */
  usableCallback(url: string | null): string | null {
    if (url === null) return null;
    if (this.config.WEBHOOK_SECRET === undefined) {
      const detail = 'needs WEBHOOK_SECRET on the server, so that receivers can check who calls';
      throw new DomainError('invalid_request', `/callback_url: ${detail}.`, [
        { pointer: '/callback_url', detail },
      ]);
    }
    return requireWebhookUrl(url, '/callback_url', this.config.WEBHOOK_ALLOW_PRIVATE === 'true');
  }

  /** @throws DomainError invalid_request, too_many_webhook_endpoints, idempotency_conflict */
  async create(
    scope: Scope,
    url: string,
    idempotency: Idempotency | null,
  ): Promise<{ endpoint: WebhookEndpoint; replayed: boolean }> {
    const earlier = await this.earlier(scope, idempotency);
    if (earlier) return { endpoint: earlier, replayed: true };
    const href = requireWebhookUrl(url, '/url', this.config.WEBHOOK_ALLOW_PRIVATE === 'true');
    if ((await this.store.count(scope)) >= MAX_ENDPOINTS) {
      throw new DomainError(
        'too_many_webhook_endpoints',
        `There are ${MAX_ENDPOINTS} webhook endpoints already, and no more are allowed. Delete one that is no longer needed.`,
      );
    }
    const endpoint = await this.store.create({
      id: uuidv7(),
      project: scope.project,
      url: href,
      secret: newSecret(),
      idempotencyKey: idempotency?.key ?? null,
      requestHash: idempotency?.requestHash ?? null,
    });
    if (endpoint) return { endpoint, replayed: false };
    const first = await this.earlier(scope, idempotency);
    if (!first)
      throw new DomainError('unavailable', 'The endpoint was deleted while it was made; try again.');
    return { endpoint: first, replayed: true };
  }

  list(scope: Scope): Promise<WebhookEndpoint[]> {
    return this.store.list(scope);
  }

  /** @throws DomainError webhook_endpoint_not_found */
  async remove(scope: Scope, id: string): Promise<void> {
    if (!isJobId(id) || !(await this.store.remove(scope, id))) throw noEndpoint(id);
  }

  /** @throws DomainError webhook_endpoint_not_found */
  async rotateSecret(scope: Scope, id: string): Promise<WebhookEndpoint> {
    const endpoint = isJobId(id) ? await this.store.rotate(scope, id, newSecret()) : null;
    if (!endpoint) throw noEndpoint(id);
    return endpoint;
  }

  /** @returns the delivery's id. @throws DomainError webhook_endpoint_not_found, too_many_webhook_calls */
  async ping(scope: Scope, id: string): Promise<string> {
    const deliveryId = await this.store.ping(await this.get(scope, id));
    if (deliveryId === null) throw tooManyCalls(`The webhook endpoint ${id} was pinged 10 times`);
    this.sender.wake();
    return deliveryId;
  }

  /** The newest first. @throws DomainError webhook_endpoint_not_found */
  async deliveries(scope: Scope, id: string): Promise<(WebhookDelivery & { tries: WebhookAttempt[] })[]> {
    return this.store.deliveries(scope, { endpointId: (await this.get(scope, id)).id });
  }

  /** The deliveries of a job, to endpoints and to its callback_url, the newest first. */
  deliveriesOf(scope: Scope, jobId: string): Promise<(WebhookDelivery & { tries: WebhookAttempt[] })[]> {
    return this.store.deliveries(scope, { jobId });
  }

  /** @throws DomainError webhook_endpoint_not_found, webhook_delivery_not_found, too_many_webhook_calls */
  async redeliver(scope: Scope, id: string, deliveryId: string): Promise<void> {
    const endpoint = await this.get(scope, id);
    const result = isJobId(deliveryId) ? await this.store.redeliver(endpoint, deliveryId) : 'not_found';
    if (result === 'too_many') throw tooManyCalls(`The delivery ${deliveryId} was tried 20 times`);
    if (result === 'not_found') {
      throw new DomainError(
        'webhook_delivery_not_found',
        `The webhook endpoint ${endpoint.id} has no delivery with the id ${quote(deliveryId)}.`,
      );
    }
    this.sender.wake();
  }

  private async get(scope: Scope, id: string): Promise<WebhookEndpoint> {
    const endpoint = isJobId(id) ? await this.store.find(scope, id) : null;
    if (!endpoint) throw noEndpoint(id);
    return endpoint;
  }

  private async earlier(scope: Scope, idempotency: Idempotency | null): Promise<WebhookEndpoint | null> {
    const endpoint = idempotency && (await this.store.findByKey(scope, idempotency.key));
    return endpoint && requireSameRequest(endpoint, idempotency);
  }
}

/** Standard Webhooks' form, with 32 random bytes. */
function newSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`;
}

function tooManyCalls(what: string): DomainError {
  return new DomainError(
    'too_many_webhook_calls',
    `${what} within a minute, as often as it may be. Wait a minute, then try again.`,
  );
}

function noEndpoint(id: string): DomainError {
  return new DomainError(
    'webhook_endpoint_not_found',
    `There is no webhook endpoint with the id ${quote(id)}.`,
  );
}
