import { Injectable, Logger } from '@nestjs/common';
import {
  DomainError,
  JobReader,
  JobStore,
  STATUS_AFTER,
  type DecisionRequest,
  type Edit,
} from '@hitl/domain';
import { ChangeAnnouncer, OutboxRelay, type ReviewReply } from '@hitl/messaging';
import { metrics } from '@hitl/observability';

const DESK = { groups: [], requirePlan: false, maxRegenerations: 10 };

@Injectable()
export class ReviewsService {
  private readonly logger = new Logger(ReviewsService.name);

  constructor(
    private readonly store: JobStore,
    private readonly jobs: JobReader,
    private readonly outbox: OutboxRelay,
    private readonly changes: ChangeAnnouncer,
  ) {}

  /** A job has a new answer. Every answer needs a human, so it only waits. */
  accept(jobId: string): void {
    metrics.reviewsRequested.inc();
    this.logger.debug({ jobId, message: 'waits for a human' });
  }

  /**
   * Takes effect once, however often it is asked for with one decision id.
   * @throws DomainError job_not_found, already_decided, job_not_waiting, revision_mismatch
   */
  async decide(request: DecisionRequest): Promise<ReviewReply> {
    const decided = await this.store.decide({
      ...request,
      requestHash: '00',
      change: null,
      desk: DESK,
      policy: null,
    });
    if (!decided) return this.repeated(request);
    if (decided.bell) this.outbox.ring(decided.bell);
    this.changes.announce(request.jobId, decided.status);
    metrics.decisions.inc({ verdict: request.verdict });
    this.logger.log({
      jobId: request.jobId,
      decisionId: request.id,
      verdict: request.verdict,
      message: 'decided',
    });
    return { status: decided.status, revision: decided.revision };
  }

  /** @throws DomainError job_not_found, already_decided, job_not_waiting, revision_mismatch */
  async edit(change: Edit): Promise<ReviewReply> {
    const revision = await this.store.edit({ ...change, change: null, desk: DESK });
    if (revision === null) throw await this.refusal(change);
    return { status: 'human', revision };
  }

  /** The answer to a decision that changed nothing: its own effect when it came before, else why. */
  private async repeated(request: DecisionRequest): Promise<ReviewReply> {
    const earlier = await this.jobs.findDecision(request.id);
    if (earlier?.jobId !== request.jobId) throw await this.refusal(request);
    return { status: STATUS_AFTER[earlier.verdict], revision: earlier.releasedRevision ?? earlier.revision };
  }

  private async refusal({
    jobId,
    revision,
  }: {
    jobId: string;
    revision: number | null;
  }): Promise<DomainError> {
    const job = await this.jobs.find(jobId);
    if (!job) return new DomainError('job_not_found', `There is no job with the id ${jobId}.`);
    if (job.status === 'human') {
      const judged = revision === null ? 'The answer' : `Revision ${revision}`;
      return new DomainError(
        'revision_mismatch',
        `${judged} is not what waits now: the current one is ${job.revision}. Read it, then decide.`,
      );
    }
    const last = await this.jobs.lastDecision(jobId);
    // A job may have been cancelled, or have failed, since it was sent back to the model.
    if (last && STATUS_AFTER[last.verdict] === job.status) {
      return new DomainError(
        'already_decided',
        `${last.actor} was first: '${last.verdict}' on revision ${last.revision} at ${last.createdAt.toISOString()}. The job is in '${job.status}'.`,
      );
    }
    return new DomainError(
      'job_not_waiting',
      `Job ${jobId} is in '${job.status}', it does not wait for a human.`,
    );
  }
}
