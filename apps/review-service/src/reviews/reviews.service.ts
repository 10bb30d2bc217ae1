import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { Injectable, Logger } from '@nestjs/common';
import { Config } from '@hitl/config';
import {
  checkAnswer,
  DomainError,
  isDuplicate,
  JobReader,
  JobStore,
  MOST_CLAIMS,
  requireNoFaults,
  STATUS_AFTER,
  type DecisionRequest,
  type DeskRules,
  type Edit,
  type FieldFault,
  type Job,
  type Json,
  type Judgement,
  type Note,
  type OutputChange,
  type RestoreRequest,
  type Timed,
} from '@hitl/domain';
import { ChangeAnnouncer, OutboxRelay, type ClaimReply, type ReviewReply } from '@hitl/messaging';
import { metrics } from '@hitl/observability';
import { ReviewPlanner } from '../policies/review-planner.service';
import { changeBetween } from './change';
import { heldOf, refusalOf } from './refusal';

@Injectable()
export class ReviewsService {
  private readonly logger = new Logger(ReviewsService.name);
  /** Decisions that are being made: one that is sent again, since its reply took long, is not made twice at once. */
  private readonly inHand = new Map<string, Promise<ReviewReply>>();

  constructor(
    private readonly store: JobStore,
    private readonly jobs: JobReader,
    private readonly outbox: OutboxRelay,
    private readonly changes: ChangeAnnouncer,
    private readonly planner: ReviewPlanner,
    private readonly config: Config,
  ) {}

  /** A job has a new answer: the policy says who must look. Without a policy it only waits. */
  async accept(jobId: string): Promise<void> {
    metrics.reviewsRequested.inc();
    await this.plan(jobId);
    this.logger.debug({ jobId, message: 'handed to the desk' });
  }

  /**
   * `regenerate` also asks the model again for a job that it has failed; that needs no claim and no plan.
   * Takes effect once, however often it is asked for with one decision id; after DECISION_UNDO_MS, or the longer time
   * that it asks for itself. Until then it can be undone.
   * @throws DomainError job_not_found, invalid_request, schema_mismatch, idempotency_conflict, and as {@link refusalOf}
   */
  async decide(request: DecisionRequest): Promise<ReviewReply> {
    const requestHash = hashOf(request);
    const key = `${request.id} ${requestHash}`;
    const made =
      this.inHand.get(key) ??
      this.decideOnce(request, requestHash).finally(() => {
        this.inHand.delete(key);
      });
    this.inHand.set(key, made);
    return made;
  }

  private async decideOnce(request: DecisionRequest, requestHash: string): Promise<ReviewReply> {
    this.requireReason(request.reasonCode);
    const judgement = await this.judge(request, requestHash);
    const reply =
      (await this.planned(request.jobId, () => this.take(judgement))) ?? (await this.retry(judgement));
    if (!reply) return this.repeated(judgement);
    metrics.decisions.inc({ verdict: request.verdict });
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

  /** @throws DomainError job_not_found, schema_mismatch, and as {@link refusalOf} */
  async edit(edit: Edit): Promise<ReviewReply> {
    const changed = await this.changeOf(edit);
    const desk = this.planner.deskOf(edit.actor);
    const next = await this.planned(edit.jobId, () => this.store.edit({ ...edit, ...changed, desk }));
    if (next === null) {
      const job = await this.find(edit.jobId);
      if (!isMadeBy(edit, job)) throw refusalOf(edit, job, desk);
      // Asked again, since its reply was lost.
      return { status: 'human', revision: job.revision };
    }
    this.changes.announce(edit.jobId, 'human');
    return { status: 'human', revision: next };
  }

  /**
   * Makes an earlier answer the current one, which everybody has yet to judge; of a job that the model is asked again
   * for, too. The one that waits already is left as it is.
   * @throws DomainError job_not_found, revision_not_found, and as {@link refusalOf}
   */
  async restore(wish: RestoreRequest): Promise<ReviewReply> {
    const { jobId, actor } = wish;
    const job = await this.find(jobId);
    if (job.status === 'human' && wish.restore === job.revision && wish.revision === job.revision) {
      return { status: 'human', revision: job.revision };
    }
    const answer = await this.jobs.revision(jobId, wish.restore);
    if (!answer) {
      throw new DomainError(
        'revision_not_found',
        `Job ${jobId} never had a revision ${wish.restore}: the current one is ${job.revision}.`,
      );
    }
    const checked = await checkAnswer(job, JSON.parse(answer.response) as Json, actor);
    const violations = told([...checked.faults, ...checked.unchecked]);
    const desk = this.planner.deskOf(actor);
    const next = await this.planned(jobId, () => this.store.restore({ ...wish, answer, violations, desk }));
    if (next === null) {
      throw refusalOf(wish, await this.find(jobId), desk, await this.jobs.lastDecision(jobId));
    }
    this.changes.announce(jobId, 'human');
    this.logger.log({ jobId, restored: wish.restore, revision: next, message: 'restored' });
    return { status: 'human', revision: next };
  }

  /** Asked again for what this reviewer has undone, it answers the same. @throws DomainError nothing_to_undo */
  async undo(request: { jobId: string; decisionId: string; actor: string } & Timed): Promise<ReviewReply> {
    const { jobId, decisionId, actor } = request;
    const undone =
      (await this.store.undo(request)) || (await this.jobs.undoneBy(jobId, decisionId)) === actor;
    const job = await this.find(jobId);
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

  /** By which rules this person reviews. */
  deskOf(actor: string): DeskRules {
    return this.planner.deskOf(actor);
  }

  /** The most urgent job that this reviewer may take; null when there is none. @throws DomainError too_many_claims */
  async claimNext({ id, actor, deadline }: { id: string; actor: string } & Timed): Promise<ClaimReply> {
    await this.requireRoom(actor);
    const jobId = await this.store.claimNextReview({
      id,
      actor,
      deadline,
      leaseMs: this.config.REVIEW_CLAIM_MS,
      desk: this.planner.deskOf(actor),
    });
    if (jobId !== null) this.changes.announce(jobId, 'human');
    return { jobId };
  }

  /** @throws DomainError job_not_found, too_many_claims, and as {@link refusalOf} */
  async claim(request: { id: string; actor: string; jobId: string } & Timed): Promise<ClaimReply> {
    // Renewing a claim takes no room.
    if ((await this.find(request.jobId)).claimedBy !== request.actor) await this.requireRoom(request.actor);
    const desk = this.planner.deskOf(request.actor);
    const claimed = await this.planned(
      request.jobId,
      async () =>
        (await this.store.claimReview({ ...request, leaseMs: this.config.REVIEW_CLAIM_MS, desk })) || null,
    );
    if (claimed === null) {
      throw refusalOf({ ...request, revision: null }, await this.find(request.jobId), desk);
    }
    this.changes.announce(request.jobId, 'human');
    return { jobId: request.jobId };
  }

  /** Nothing happens when nobody has it. @throws DomainError job_not_found, claimed when somebody else has it */
  async release(request: { jobId: string; actor: string } & Timed): Promise<ClaimReply> {
    if (!(await this.store.releaseReview(request))) {
      const { claimedBy, claimedUntil } = await this.find(request.jobId);
      if (claimedBy !== null && claimedUntil !== null && claimedUntil > new Date()) {
        throw new DomainError(
          'claimed',
          `${claimedBy} has the job until ${claimedUntil.toISOString()}; only they can release it.`,
        );
      }
    }
    this.changes.announce(request.jobId, 'human');
    return { jobId: request.jobId };
  }

  /** @throws DomainError job_not_found */
  async note(note: Note): Promise<ClaimReply> {
    if (!(await this.store.addNote(note))) throw notFound(note.jobId);
    this.changes.announce(note.jobId, (await this.find(note.jobId)).status);
    return { jobId: note.jobId };
  }

  /** Runs `attempt`; when the job only lacked its plan, writes that and tries once more. */
  private async planned<T>(jobId: string, attempt: () => Promise<T | null>): Promise<T | null> {
    return (await attempt()) ?? ((await this.plan(jobId)) ? attempt() : null);
  }

  /** Answers whether the policy had to be applied. */
  private async plan(jobId: string): Promise<boolean> {
    if (!this.planner.configured) return false;
    const job = await this.jobs.find(jobId);
    if (job?.status !== 'human' || job.plannedAt !== null) return false;
    await this.planner.apply(job);
    return true;
  }

  private async take(judgement: Judgement): Promise<ReviewReply | null> {
    const undoMs = Math.max(this.config.DECISION_UNDO_MS, judgement.undoMs ?? 0);
    try {
      if (undoMs > 0) {
        const held = await this.store.hold(judgement, undoMs);
        return held && { status: 'human', revision: held.revision };
      }
      const decided = await this.store.decide(judgement);
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
      if (retried?.bell) this.outbox.ring(retried.bell);
      return retried && { status: retried.status, revision: retried.revision };
    } catch (error) {
      // Another decision got the id at the same moment.
      if (isDuplicate(error)) return null;
      throw error;
    }
  }

  private async judge(request: DecisionRequest, requestHash: string): Promise<Judgement> {
    const desk = this.planner.deskOf(request.actor);
    return { ...request, ...(await this.changeOf(request)), requestHash, desk, policy: null };
  }

  /**
   * What a new response changes, and of which revision; other requests are left as they are.
   * @throws DomainError schema_mismatch for a response that breaks what was asked for
   */
  private async changeOf(request: {
    jobId: string;
    revision: number | null;
    response: Json;
    actor: string;
  }): Promise<{ revision: number | null; change: OutputChange | null; violations: FieldFault[] | null }> {
    const { jobId, revision, response, actor } = request;
    if (response === null) return { revision, change: null, violations: null };
    const job = await this.find(jobId);
    if (job.status !== 'human' || (revision !== null && revision !== job.revision)) {
      return { revision, change: null, violations: null };
    }
    // What is checked, and compared, is this very revision.
    const { faults, unchecked } = await checkAnswer(job, response, actor);
    requireNoFaults(faults);
    const change = await changeBetween(job.modelResponse ?? job.response, response, actor);
    return { revision: job.revision, change, violations: told(unchecked) };
  }

  /** The answer to a decision that changed nothing: its own effect when it came before, else why. */
  private async repeated(judgement: Judgement): Promise<ReviewReply> {
    const earlier = await this.jobs.findDecision(judgement.id);
    const job = await this.find(judgement.jobId);
    if (earlier) {
      requireSameDecision(judgement, earlier.jobId, earlier.requestHash?.toString('hex'));
      const status = earlier.final ? STATUS_AFTER[earlier.verdict] : 'human';
      return { status, revision: earlier.releasedRevision ?? earlier.revision };
    }
    const held = heldOf(job);
    if (held?.id === judgement.id) {
      requireSameDecision(judgement, job.id, held.requestHash);
      return { status: 'human', revision: job.revision };
    }
    const holder = await this.jobs.holderOf(judgement.id);
    if (holder !== null) requireSameDecision(judgement, holder, undefined);
    if ((await this.jobs.undoneBy(judgement.jobId, judgement.id)) !== null) {
      throw new DomainError(
        'idempotency_conflict',
        `The decision ${judgement.id} was undone. Use a new id to decide again.`,
      );
    }
    throw refusalOf(judgement, job, judgement.desk, await this.jobs.lastDecision(judgement.jobId));
  }

  private requireReason(code: string | null): void {
    const { reasonCodes } = this.planner;
    if (code === null || reasonCodes.includes(code)) return;
    const detail = `${JSON.stringify(code.slice(0, 64))} is none of the project's reasons: ${reasonCodes.join(', ')}`;
    throw new DomainError('invalid_request', `/reason_code: ${detail}.`, [
      { pointer: '/reason_code', detail },
    ]);
  }

  private async requireRoom(actor: string): Promise<void> {
    if ((await this.store.countClaims(actor)) < MOST_CLAIMS) return;
    throw new DomainError(
      'too_many_claims',
      `${actor} has claimed ${MOST_CLAIMS} jobs, as many as one may. Decide or release some first.`,
    );
  }

  private async find(jobId: string): Promise<Job> {
    const job = await this.jobs.find(jobId);
    if (!job) throw notFound(jobId);
    return job;
  }
}

/** What a decision asks for, whatever its id: SHA-256, in hex. */
function hashOf({ undoMs, ...rest }: DecisionRequest): string {
  // One that asks for no time keeps the hash it had before there was one to ask for.
  const told: Partial<DecisionRequest> = { ...rest, id: '', ...(undoMs && { undoMs }) };
  // Each try has its own.
  delete told.deadline;
  return createHash('sha256')
    .update(JSON.stringify(Object.entries(told).sort(([a], [b]) => (a < b ? -1 : 1))))
    .digest('hex');
}

/** What is kept of findings; null: there is nothing to tell. */
function told(findings: FieldFault[]): FieldFault[] | null {
  return findings.length > 0 ? findings : null;
}

/** Whether a job waits with just what the edit makes of the revision that it names. */
function isMadeBy({ revision, response, payload }: Edit, job: Job): boolean {
  return (
    job.status === 'human' &&
    revision === job.revision - 1 &&
    (response === null || isDeepStrictEqual(response, job.response)) &&
    (payload === null || isDeepStrictEqual(payload, job.payload))
  );
}

function notFound(jobId: string): DomainError {
  return new DomainError('job_not_found', `There is no job with the id ${jobId}.`);
}

function requireSameDecision(request: Judgement, jobId: string, requestHash: string | undefined): void {
  if (jobId === request.jobId && (requestHash === undefined || requestHash === request.requestHash)) return;
  throw new DomainError(
    'idempotency_conflict',
    `The decision id ${request.id} belongs to another decision, on job ${jobId}. Use a new id for a new decision.`,
  );
}
