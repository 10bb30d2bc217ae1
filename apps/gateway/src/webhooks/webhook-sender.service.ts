import { Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import { Background, Every } from '@hitl/background';
import { Config } from '@hitl/config';
import { JOB_WEBHOOKS, WebhookStore, type DeliveryOutcome, type DueDelivery } from '@hitl/domain';
import { metrics } from '@hitl/observability';
import { Webhook } from 'standardwebhooks';
import { post, type ReceiverReply } from './post';

/** Calls that one gateway makes at once. */
const CALLS = 64;
/** Deliveries that are taken in one go. */
const TAKEN_AT_ONCE = 8;
/** Calls to one URL from which on no more are taken for it, so that a slow receiver cannot hold up the others. */
const CALLS_TO_ONE_URL = 8;
/** How often each gateway looks for deliveries that are due, in milliseconds. */
const LOOK_INTERVAL = 1000;
/** Jobs that end within this time of each other make the gateway look once, in milliseconds. */
const GATHER = 50;

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** Waits between the tries of a delivery, as Standard Webhooks recommends: ten tries in a bit more than three days. */
const WAITS = [
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
];

/**
 * Sends the deliveries that are due, on every gateway. What is owed is rows: a gateway that dies between a call and
 * its record makes another one call again with the same webhook-id.
 */
@Injectable()
export class WebhookSender implements BeforeApplicationShutdown {
  private readonly logger = new Logger(WebhookSender.name);
  /** The calls under way, and where they go. */
  private readonly calls = new Map<Promise<void>, string>();
  private gathering?: NodeJS.Timeout;

  constructor(
    private readonly store: WebhookStore,
    private readonly background: Background,
    private readonly config: Config,
  ) {}

  /** Finishes the calls under way; their time is limited. */
  async beforeApplicationShutdown(): Promise<void> {
    clearTimeout(this.gathering);
    await Promise.all(this.calls.keys());
  }

  /** Looks for due deliveries now rather than within a second. Cheap to call often. */
  wake(): void {
    this.gathering ??= setTimeout(() => {
      this.gathering = undefined;
      this.background.wake(this);
    }, GATHER);
  }

  /** Starts calls without waiting for them; returns how many. */
  @Every(LOOK_INTERVAL)
  async sendDue(): Promise<number> {
    const free = Math.min(CALLS - this.calls.size, TAKEN_AT_ONCE);
    if (free === 0) return 0;
    const due = await this.store.takeDue(free, this.busyUrls());
    for (const delivery of due) {
      const call = this.send(delivery)
        // Its lease runs out, and it is sent again.
        .catch((error: unknown) => this.logger.error(error))
        .finally(() => {
          this.calls.delete(call);
          this.background.wake(this);
        });
      this.calls.set(call, delivery.url);
    }
    return due.length;
  }

  private busyUrls(): string[] {
    const counts = new Map<string, number>();
    for (const url of this.calls.values()) counts.set(url, (counts.get(url) ?? 0) + 1);
    return [...counts].filter(([, count]) => count >= CALLS_TO_ONE_URL).map(([url]) => url);
  }

  private async send(delivery: DueDelivery): Promise<void> {
    const started = performance.now();
    const result = await this.call(delivery);
    const outcome = outcomeOf(delivery, result, Math.round(performance.now() - started));
    await this.store.settle(outcome);
    const failed = outcome.next === 'failed';
    metrics.webhookAttempts.inc({ outcome: typeof outcome.next === 'number' ? 'retried' : outcome.next });
    this.logger[failed ? 'warn' : 'debug']({
      deliveryId: delivery.id,
      endpointId: delivery.endpointId,
      jobId: delivery.jobId,
      status: outcome.statusCode,
      error: outcome.error,
      message: failed ? 'a webhook is given up' : 'a webhook was sent',
    });
  }

  private async call(delivery: DueDelivery): Promise<ReceiverReply | Error> {
    const secrets = delivery.endpointId === null ? [this.config.WEBHOOK_SECRET] : delivery.secrets;
    const usable = secrets.filter((secret) => secret !== undefined);
    if (usable.length === 0) return new UnsignedError('WEBHOOK_SECRET is not set, so nothing can be signed');
    try {
      const body = messageOf(delivery);
      return await post(delivery.url, signedHeaders(delivery, body, usable), body, {
        allowPrivate: this.config.WEBHOOK_ALLOW_PRIVATE === 'true',
      });
    } catch (error) {
      return error as Error;
    }
  }
}

/** There is no secret to sign with: trying again does not help. */
export class UnsignedError extends Error {
  override name = 'UnsignedError';
}

/** What receivers get. It never has any part of a response: they read the job, with their own credentials. */
export function messageOf({
  type,
  jobId,
  createdAt,
}: Pick<DueDelivery, 'type' | 'jobId' | 'createdAt'>): string {
  const data = type === 'ping' ? {} : { id: jobId, status: JOB_WEBHOOKS[type].status };
  return JSON.stringify({ type, timestamp: createdAt.toISOString(), data });
}

/**
 * Standard Webhooks' headers, with a signature by each secret. The time is the database's, as all times in the message are:
 * receivers refuse what a gateway with a wrong clock would sign.
 */
export function signedHeaders(
  { id, takenAt }: Pick<DueDelivery, 'id' | 'takenAt'>,
  body: string,
  secrets: string[],
): Record<string, string> {
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(takenAt.getTime() / 1000)),
    'webhook-signature': secrets.map((secret) => new Webhook(secret).sign(id, takenAt, body)).join(' '),
  };
}

/** What becomes of a delivery after a try. */
export function outcomeOf(
  delivery: Pick<DueDelivery, 'id' | 'attempts'>,
  result: ReceiverReply | Error,
  durationMs: number,
): DeliveryOutcome {
  const base = { deliveryId: delivery.id, attempts: delivery.attempts, durationMs, disable: false };
  if (result instanceof Error) {
    const next = result instanceof UnsignedError ? 'failed' : nextTry(delivery.attempts);
    return { ...base, statusCode: null, error: result.message.slice(0, 300), next };
  }
  const { statusCode, retryAfter } = result;
  const answered = { ...base, statusCode };
  if (statusCode >= 200 && statusCode < 300) return { ...answered, error: null, next: 'delivered' };
  if (statusCode === 410) {
    return { ...answered, error: 'the receiver is gone for good', next: 'failed', disable: true };
  }
  const asked = statusCode === 429 || statusCode === 503 ? milliseconds(retryAfter) : 0;
  const error = statusCode >= 300 && statusCode < 400 ? 'redirects are not followed' : null;
  return { ...answered, error, next: nextTry(delivery.attempts, asked) };
}

/** Milliseconds until the next try, give or take a fifth, or longer where the receiver asked for it. */
function nextTry(attempts: number, asked = 0): number | 'failed' {
  const wait = WAITS[attempts];
  if (wait === undefined) return 'failed';
  return Math.round(Math.max(wait * (0.8 + 0.4 * Math.random()), Math.min(asked, 24 * HOUR)));
}

/** Reads a Retry-After: seconds or a date; 0 without one. */
function milliseconds(retryAfter = ''): number {
  if (/^\d{1,9}$/.test(retryAfter)) return Number(retryAfter) * SECOND;
  const date = Date.parse(retryAfter);
  return Number.isNaN(date) ? 0 : Math.max(0, date - Date.now());
}
