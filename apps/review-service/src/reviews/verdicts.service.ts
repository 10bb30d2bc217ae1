import { createHash } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { Config } from '@hitl/config';
import {
  DomainError,
  isDuplicate,
  DeskReader,
  DeskStore,
  STATUS_AFTER,
  type DecisionRequest,
  type Judgement,
  type Reviewer,
  type Scope,
  type Timed,
} from '@hitl/domain';
import { ChangeAnnouncer, OutboxRelay, type ReviewReply } from '@hitl/messaging';
import { metrics } from '@hitl/observability';
import { ReviewPlanner } from '../policies/review-planner.service';
import { DeskJobs, erased } from './desk-jobs.service';
import { countDecided } from './count-decided';
import { heldOf, refusalOf } from './refusal';

/** Verdicts: taken once each, held while they can be undone, and undone. */
@Injectable()
export class VerdictsService {
  private readonly logger = new Logger(VerdictsService.name);
  /** Decisions that are being made: one that is sent again, since its reply took long, is not made twice at once. */
  private readonly inHand = new Map<string, Promise<ReviewReply>>();

  constructor(
    private readonly store: DeskStore,
    private readonly reader: DeskReader,
    private readonly desk: DeskJobs,
    private readonly outbox: OutboxRelay,
    private readonly changes: ChangeAnnouncer,
    private readonly planner: ReviewPlanner,
    private readonly config: Config,
  ) {}

  /**
   * `regenerate` also asks the model again for a job that it has failed; that needs no claim and no plan.
   * Takes effect once, however often it is asked for with one decision id; after DECISION_UNDO_MS, or the longer time
   * that it asks for itself. Until then it can be undone.
   * @throws DomainError job_not_found, invalid_request, schema_mismatch, idempotency_conflict, and as {@link refusalOf}
   */
  async decide(request: DecisionRequest & Reviewer): Promise<ReviewReply> {
    const requestHash = hashOf(request);
    const key = `${request.project} ${request.id} ${requestHash}`;
    const made =
      this.inHand.get(key) ??
      this.decideOnce(request, requestHash).finally(() => {
        this.inHand.delete(key);
      });
    this.inHand.set(key, made);
    return made;
  }

  private async decideOnce(request: DecisionRequest & Reviewer, requestHash: string): Promise<ReviewReply> {
    this.requireReason(request.reasonCode);
    const judgement = await this.judge(request, requestHash);
    const reply =
      (await this.desk.planned(request.jobId, () => this.take(judgement))) ?? (await this.retry(judgement));
    if (!reply) return this.repeated(judgement);
    this.changes.announce(request.jobId, reply.status);
    this.logger.log({
      jobId: request.jobId,
      decisionId: request.id,
      verdict: request.verdict,
      status: reply.status,
      message: 'decided',
    });
    return reply;
  }

  /** Asked again for what this reviewer has undone, it answers the same. @throws DomainError nothing_to_undo */
  async undo(
    request: { jobId: string; decisionId: string; actor: string } & Scope & Timed,
  ): Promise<ReviewReply> {
    const { jobId, decisionId, actor } = request;
    const undone =
      (await this.store.undo(request)) || (await this.reader.undoneBy(jobId, decisionId)) === actor;
    const job = await this.desk.find(request);
    if (!undone) {
      const held = heldOf(job);
      const why =
        held && held.actor !== actor
          ? `the decision that is held is ${held.actor}'s, who alone may take it back`
          : `no decision of ${actor} is held, and the job is in '${job.status}'`;
      throw new DomainError('nothing_to_undo', `Nothing was undone: ${why}.`);
    }
    this.changes.announce(job.id, 'human');
    this.logger.log({ jobId: job.id, decisionId, message: 'undone' });
    return { status: job.status, revision: job.revision };
  }

  private async take(judgement: Judgement): Promise<ReviewReply | null> {
    const undoMs = Math.max(this.config.DECISION_UNDO_MS, judgement.undoMs ?? 0);
    try {
      if (undoMs > 0) {
        const held = await this.store.hold(judgement, undoMs);
        if (held) metrics.pendingDecisions.inc({ verdict: judgement.verdict });
        return held && { status: 'human', revision: held.revision };
      }
      const decided = await this.store.decide(judgement);
      if (decided) countDecided(judgement.verdict, decided.status);
      if (decided?.bell) this.outbox.ring(decided.bell);
      return decided && { status: decided.status, revision: decided.revision };
    } catch (error) {
      // Another decision got the id at the same moment.
      if (isDuplicate(error)) return null;
      throw error;
    }
  }

  /** Asks the model again for a job that it has failed; null for any other. */
  private async retry(judgement: Judgement): Promise<ReviewReply | null> {
    if (judgement.verdict !== 'regenerate') return null;
    try {
      const retried = await this.store.retry(judgement);
      if (retried) countDecided(judgement.verdict, retried.status);
      if (retried?.bell) this.outbox.ring(retried.bell);
      return retried && { status: retried.status, revision: retried.revision };
    } catch (error) {
      // Another decision got the id at the same moment.
      if (isDuplicate(error)) return null;
      throw error;
    }
  }

  private async judge(request: DecisionRequest & Reviewer, requestHash: string): Promise<Judgement> {
    const desk = this.planner.deskOf(request);
    return { ...request, ...(await this.desk.changeOf(request)), requestHash, desk, policy: null };
  }

  /** The answer to a decision that changed nothing: its own effect when it came before, else why. */
  private async repeated(judgement: Judgement): Promise<ReviewReply> {
    const earlier = await this.reader.findDecision(judgement.id);
    const job = await this.desk.find(judgement);
    if (earlier) {
      requireSameDecision(judgement, earlier, earlier.requestHash?.toString('hex'));
      const status = earlier.final ? STATUS_AFTER[earlier.verdict] : 'human';
      return { status, revision: earlier.releasedRevision ?? earlier.revision };
    }
    const held = heldOf(job);
    if (held?.id === judgement.id) {
      requireSameDecision(judgement, { jobId: job.id, project: job.project }, held.requestHash);
      return { status: 'human', revision: job.revision };
    }
    const holder = await this.reader.holderOf(judgement.id);
    if (holder !== null) requireSameDecision(judgement, holder, undefined);
    if ((await this.reader.undoneBy(judgement.jobId, judgement.id)) !== null) {
      throw new DomainError(
        'idempotency_conflict',
        `The decision ${judgement.id} was undone. Use a new id to decide again.`,
      );
    }
    if (job.erasedAt !== null && judgement.verdict === 'regenerate') throw erased(job.id);
    throw refusalOf(judgement, job, judgement.desk, await this.reader.lastDecision(judgement.jobId));
  }

  private requireReason(code: string | null): void {
    const { reasonCodes } = this.planner;
    if (code === null || reasonCodes.includes(code)) return;
    const detail = `${JSON.stringify(code.slice(0, 64))} is none of the project's reasons: ${reasonCodes.join(', ')}`;
    throw new DomainError('invalid_request', `/reason_code: ${detail}.`, [
      { pointer: '/reason_code', detail },
    ]);
  }
}

/** What a decision asks for, whatever its id: SHA-256, in hex. */
function hashOf({ undoMs, groups: _groups, ...rest }: DecisionRequest & Reviewer): string {
  // One that asks for no time keeps the hash it had before there was one to ask for.
  const told: Partial<DecisionRequest> = { ...rest, id: '', ...(undoMs && { undoMs }) };
  // Each try has its own.
  delete told.deadline;
  // The job's, which is told already.
  delete told.project;
  return createHash('sha256')
    .update(JSON.stringify(Object.entries(told).sort(([a], [b]) => (a < b ? -1 : 1))))
    .digest('hex');
}

function requireSameDecision(
  request: Judgement,
  { jobId, project }: Scope & { jobId: string },
  requestHash: string | undefined,
): void {
  if (jobId === request.jobId && (requestHash === undefined || requestHash === request.requestHash)) return;
  // Nobody is told of the jobs of another project.
  const where = project === request.project ? `, on job ${jobId}` : '';
  throw new DomainError(
    'idempotency_conflict',
    `The decision id ${request.id} belongs to another decision${where}. Use a new id for a new decision.`,
  );
}
