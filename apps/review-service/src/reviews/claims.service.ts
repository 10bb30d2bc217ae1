import { Injectable } from '@nestjs/common';
import { Config } from '@hitl/config';
import { DomainError, DeskStore, MAX_CLAIMS, type Reviewer, type Scope, type Timed } from '@hitl/domain';
import { ChangeAnnouncer, type ClaimReply } from '@hitl/messaging';
import { ReviewPlanner } from '../policies/review-planner.service';
import { DeskJobs } from './desk-jobs.service';
import { refusalOf } from './refusal';

/** Who has which job for a while. */
@Injectable()
export class ClaimsService {
  constructor(
    private readonly store: DeskStore,
    private readonly desk: DeskJobs,
    private readonly changes: ChangeAnnouncer,
    private readonly planner: ReviewPlanner,
    private readonly config: Config,
  ) {}

  /** The most urgent job that this reviewer may take; null when there is none. @throws DomainError too_many_claims */
  async claimNext({
    id,
    project,
    actor,
    groups,
    deadline,
  }: { id: string } & Reviewer & Scope & Timed): Promise<ClaimReply> {
    await this.requireRoom({ project }, actor);
    const jobId = await this.store.claimNextReview({
      id,
      project,
      actor,
      deadline,
      leaseMs: this.config.REVIEW_CLAIM_MS,
      desk: this.planner.deskOf({ actor, groups }),
    });
    if (jobId !== null) this.changes.announce(jobId, 'human');
    return { jobId };
  }

  /** @throws DomainError job_not_found, too_many_claims, and as {@link refusalOf} */
  async claim(request: { id: string; jobId: string } & Reviewer & Scope & Timed): Promise<ClaimReply> {
    // Renewing a claim takes no room.
    if ((await this.desk.find(request)).claimedBy !== request.actor)
      await this.requireRoom(request, request.actor);
    const desk = this.planner.deskOf(request);
    const claimed = await this.desk.planned(
      request.jobId,
      async () =>
        (await this.store.claimReview({ ...request, leaseMs: this.config.REVIEW_CLAIM_MS, desk })) || null,
    );
    if (claimed === null) {
      throw refusalOf({ ...request, revision: null }, await this.desk.find(request), desk);
    }
    this.changes.announce(request.jobId, 'human');
    return { jobId: request.jobId };
  }

  /** Nothing happens when nobody has it. @throws DomainError job_not_found, claimed when somebody else has it */
  async release(request: { jobId: string; actor: string } & Scope & Timed): Promise<ClaimReply> {
    if (!(await this.store.releaseReview(request))) {
      const { claimedBy, claimedUntil } = await this.desk.find(request);
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

  private async requireRoom(scope: Scope, actor: string): Promise<void> {
    if ((await this.store.countClaims(scope, actor)) < MAX_CLAIMS) return;
    throw new DomainError(
      'too_many_claims',
      `${actor} has claimed ${MAX_CLAIMS} jobs, as many as a reviewer may. Decide or release some first.`,
    );
  }
}
