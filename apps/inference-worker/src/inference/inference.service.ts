import { randomUUID } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { Config } from '@hitl/config';
import {
  checkAnswer,
  describeTrouble,
  DomainError,
  isDatabaseTrouble,
  isDataFault,
  isUnexpectedTrouble,
  JobStore,
  sqlState,
  type Bell,
  type ClaimedJob,
  type FieldFault,
  type Inferred,
  type JsonText,
  type Lease,
} from '@hitl/domain';
import { ChangeAnnouncer, OutboxRelay } from '@hitl/messaging';
import { metrics } from '@hitl/observability';
import { ExponentialBackoff, handleWhen, retry } from 'cockatiel';
import { ModelError } from '../model-providers/model-provider';
import { ModelRouter, type Answer } from '../model-providers/model-router';
import { withFeedback } from './feedback';
import { LeaseKeeper } from './lease-keeper';
import { rewordLimit } from './reword-limit';

/** Longest back-off of our own between two tries, and the longest Retry-After that is obeyed, in milliseconds. */
const MAX_BACKOFF = 60_000;
const MAX_RETRY_AFTER = 3_600_000;

/**
 * An answer is dear: while the database cannot take it, for whatever reason of its own, it is kept, and stored once that is
 * mended. About five minutes; as many are kept as a worker has in hand. Then the message, the lease and the reconciler go on.
 */
const untilStored = retry(handleWhen(isDatabaseTrouble), {
  maxAttempts: 100,
  backoff: new ExponentialBackoff({ initialDelay: 100, maxDelay: 3000 }),
});

@Injectable()
export class InferenceService {
  private readonly logger = new Logger(InferenceService.name);

  constructor(
    private readonly store: JobStore,
    private readonly model: ModelRouter,
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
      const died = `The last of ${maxAttempts} tries ended without an outcome: its worker died.`;
      await this.fail(job, lease, new ModelError(died, false));
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

  /** One attempt at the model. Answers whether the job was still ours in the end. */
  private async attempt(job: ClaimedJob, lease: Lease, lost: AbortSignal): Promise<boolean> {
    let answer: Answer;
    try {
      answer = await this.ask(job, lost);
    } catch (error) {
      if (lost.aborted) {
        this.count('dropped');
        return false;
      }
      if (error instanceof ModelError) return await this.retryOrFail(job, lease, error);
      this.logger.error(error);
      return await this.fail(
        job,
        lease,
        new ModelError(`The model failed: ${String(error)}`, false, { detail: 'The model failed.' }),
      );
    }
    try {
      const violations = await violationsOf(job, answer.response);
      const bell = await this.keep({ ...lease, ...answer, violations });
      this.count(bell ? 'answered' : 'dropped', answer.provider);
      if (bell) {
        this.outbox.ring(bell);
        this.changes.announce(job.id, 'human');
      }
      return bell !== null;
    } catch (error) {
      if (!isDataFault(error)) throw error;
      this.logger.error(error);
      // Not in the database's words, which the submitter reads.
      const message = `The model's response cannot be stored: the database does not take its content (SQLSTATE ${String(sqlState(error))}).`;
      return this.fail(job, lease, new ModelError(message, false, { provider: answer.provider }));
    }
  }

  /** @throws the database's refusal of the answer itself, which it has repeated for this answer alone */
  private async keep(outcome: Inferred): Promise<Bell | null> {
    let told = false;
    const tell = (error: unknown): void => {
      if (told || !isDatabaseTrouble(error)) return;
      told = true;
      if (isUnexpectedTrouble(error)) this.logger.error(error);
      this.logger.warn({ jobId: outcome.jobId, message: `the response is kept: ${describeTrouble(error)}` });
    };
    const complete = () =>
      untilStored.execute(async () => {
        try {
          return await this.store.complete(outcome);
        } catch (error) {
          tell(error);
          throw error;
        }
      });
    try {
      return await complete();
    } catch (error) {
      if (!isDataFault(error)) throw error;
      return complete();
    }
  }

  /** Asks once, and again where the model knows the limit of a translated payload by its other name. */
  private async ask(
    { payload, turns, translated, anthropicHeaders }: ClaimedJob,
    lost: AbortSignal,
  ): Promise<Answer> {
    const asked = withFeedback(payload, turns);
    try {
      return await this.model.infer(asked, lost, anthropicHeaders);
    } catch (error) {
      const reworded = translated && error instanceof ModelError ? rewordLimit(asked, error) : null;
      if (reworded === null) throw error;
      return this.model.infer(reworded, lost);
    }
  }

  private async retryOrFail(job: ClaimedJob, lease: Lease, error: ModelError): Promise<boolean> {
    const { MODEL_MAX_ATTEMPTS: maxAttempts, MODEL_RETRY_DELAY_MS: firstDelay } = this.config;
    if (!error.retryable) return this.fail(job, lease, error);
    if (job.roundAttempts >= maxAttempts)
      return this.fail(job, lease, error, `Gave up after ${maxAttempts} tries. `);
    const own =
      Math.min(MAX_BACKOFF, firstDelay * 2 ** (job.roundAttempts - 1)) * (0.8 + 0.4 * Math.random());
    const wished = Math.min(MAX_RETRY_AFTER, error.retryAfterMs ?? 0);
    const retryInMs = Math.round(Math.max(own, wished));
    this.count('retried', error.provider);
    this.logger.warn({ jobId: job.id, attempt: job.roundAttempts, retryInMs, message: error.message });
    return untilStored.execute(() =>
      this.store.failAttempt({ ...lease, detail: error.detail, failure: error.failure, retryInMs }),
    );
  }

  /**
   * Ends the job, or brings it back to reviewers with the answer that they had sent back.
   * @param preface goes before what the error says
   */
  private async fail(job: ClaimedJob, lease: Lease, error: ModelError, preface = ''): Promise<boolean> {
    const detail = `${preface}${error.detail}`;
    const failed = await untilStored.execute(() =>
      this.store.failAttempt({ ...lease, detail, failure: error.failure, retryInMs: null }),
    );
    if (!failed) return false;
    this.count('failed', error.provider);
    this.logger.warn({
      jobId: lease.jobId,
      message: `${job.hasFallback ? 'no other response' : 'job failed'}: ${preface}${error.message}`,
    });
    this.changes.announce(lease.jobId, job.hasFallback ? 'human' : 'fail');
    return true;
  }

  private count(outcome: 'answered' | 'retried' | 'failed' | 'dropped', provider = 'none'): void {
    metrics.inferenceAttempts.inc({ provider, outcome });
  }
}

/** How the model's answer breaks what was asked for: reviewers see it. Null: not at all. */
async function violationsOf(job: ClaimedJob, response: JsonText): Promise<FieldFault[] | null> {
  try {
    const { faults, unchecked } = await checkAnswer(job, response, job.id);
    const all = [...faults, ...unchecked];
    return all.length > 0 ? all : null;
  } catch (error) {
    // It never costs an answer.
    if (!(error instanceof DomainError)) throw error;
    return [
      { pointer: '/response', detail: 'could not be checked: too much was being checked at that time' },
    ];
  }
}
