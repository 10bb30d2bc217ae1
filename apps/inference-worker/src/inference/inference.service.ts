import { randomUUID } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { Config } from '@hitl/config';
import { isTransient, JobStore, type ClaimedJob, type Json, type Lease } from '@hitl/domain';
import { ChangeAnnouncer, OutboxRelay } from '@hitl/messaging';
import { metrics } from '@hitl/observability';
import { ExponentialBackoff, handleWhen, retry } from 'cockatiel';
import { ModelError, ModelProvider } from '../model-providers/model-provider';
import { withFeedback } from './feedback';
import { LeaseKeeper } from './lease-keeper';

/** Longest back-off of our own between two tries, and the longest Retry-After that is obeyed, in milliseconds. */
const LONGEST_BACKOFF = 60_000;
const LONGEST_RETRY_AFTER = 3_600_000;

/** An answer is dear: while the database is away it is kept, and stored once the database is back. About a minute. */
const untilStored = retry(handleWhen(isTransient), {
  maxAttempts: 30,
  backoff: new ExponentialBackoff({ initialDelay: 100, maxDelay: 3000 }),
});

@Injectable()
export class InferenceService {
  private readonly logger = new Logger(InferenceService.name);

  constructor(
    private readonly store: JobStore,
    private readonly model: ModelProvider,
    private readonly leases: LeaseKeeper,
    private readonly outbox: OutboxRelay,
    private readonly changes: ChangeAnnouncer,
    private readonly config: Config,
  ) {}

  /** Resolves once the database holds what came of the job's next try, or that it is no work for us. */
  async run(jobId: string): Promise<void> {
    const { WORKER_LEASE_MS: leaseMs, MODEL_MAX_ATTEMPTS: maxAttempts } = this.config;
    const lease: Lease = { jobId, token: randomUUID() };
    const job = await this.store.claim({ ...lease, leaseMs, maxAttempts });
    if (!job) return;
    if (job.roundAttempts > maxAttempts) {
      await this.fail(lease, `The last of ${maxAttempts} tries ended without an outcome: its worker died.`);
      return;
    }
    const { lost, release } = this.leases.keep(lease);
    let kept: boolean;
    try {
      kept = await this.attempt(job, lease, lost);
    } finally {
      release();
    }
    // Cancelled, or another worker has it, and then there is nothing to claim. Or a crash of the database took our
    // claim back, which does not wait for the disk: then nobody has it, and our message is the only one.
    if (!kept) await this.run(jobId);
  }

  /** One call to the model. Answers whether the job was still ours in the end. */
  private async attempt(job: ClaimedJob, lease: Lease, lost: AbortSignal): Promise<boolean> {
    const timeout = AbortSignal.timeout(this.config.MODEL_TIMEOUT_MS);
    const stopTimer = metrics.inferenceDuration.startTimer({ provider: this.model.name });
    let response: Json;
    try {
      response = await this.model.infer(
        withFeedback(job.payload, job.feedback),
        AbortSignal.any([timeout, lost]),
      );
    } catch (error) {
      if (lost.aborted) {
        this.count('dropped');
        return false;
      }
      if (timeout.aborted) {
        const detail = `The model did not answer within ${this.config.MODEL_TIMEOUT_MS} ms.`;
        return await this.retryOrFail(job, lease, new ModelError(detail, true));
      }
      if (error instanceof ModelError) return await this.retryOrFail(job, lease, error);
      this.logger.error(error);
      return await this.fail(lease, `The provider ${this.model.name} failed: ${String(error)}`);
    } finally {
      stopTimer();
    }
    try {
      const bell = await untilStored.execute(() =>
        this.store.complete({ ...lease, response, provider: this.model.name, usage: null }),
      );
      this.count(bell ? 'answered' : 'dropped');
      if (bell) {
        this.outbox.ring(bell);
        this.changes.announce(job.id, 'human');
      }
      return bell !== null;
    } catch (error) {
      if (isTransient(error)) throw error;
      this.logger.error(error);
      return this.fail(lease, `The model's answer cannot be stored: ${(error as Error).message}`);
    }
  }

  private async retryOrFail(job: ClaimedJob, lease: Lease, error: ModelError): Promise<boolean> {
    const { MODEL_MAX_ATTEMPTS: maxAttempts, MODEL_RETRY_DELAY_MS: firstDelay } = this.config;
    if (!error.retryable) return this.fail(lease, error.detail, error.message);
    if (job.roundAttempts >= maxAttempts) {
      const gaveUp = `Gave up after ${maxAttempts} tries.`;
      return this.fail(lease, `${gaveUp} ${error.detail}`, `${gaveUp} ${error.message}`);
    }
    const own =
      Math.min(LONGEST_BACKOFF, firstDelay * 2 ** (job.roundAttempts - 1)) * (0.8 + 0.4 * Math.random());
    const wished = Math.min(LONGEST_RETRY_AFTER, error.retryAfterMs ?? 0);
    const retryInMs = Math.round(Math.max(own, wished));
    this.count('retried');
    this.logger.warn({ jobId: job.id, attempt: job.roundAttempts, retryInMs, message: error.message });
    return untilStored.execute(() => this.store.failAttempt({ ...lease, detail: error.detail, retryInMs }));
  }

  /** @param logged what the log may know of it */
  private async fail(lease: Lease, detail: string, logged = detail): Promise<boolean> {
    this.count('failed');
    this.logger.warn({ jobId: lease.jobId, message: `job failed: ${logged}` });
    const failed = await untilStored.execute(() =>
      this.store.failAttempt({ ...lease, detail, retryInMs: null }),
    );
    if (failed) this.changes.announce(lease.jobId, 'fail');
    return failed;
  }

  private count(outcome: 'answered' | 'retried' | 'failed' | 'dropped'): void {
    metrics.inferenceAttempts.inc({ provider: this.model.name, outcome });
  }
}
