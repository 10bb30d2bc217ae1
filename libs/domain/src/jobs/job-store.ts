import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { batched } from '../batcher';
import type { Scope } from '../caller';
import { isStatementTimeout, isTransient } from '../database-errors';
import type { Bell } from '../outbox/bell';
import { cancel } from './cancel';
import { claim, extendLeases, type ClaimedJob, type ClaimRequest, type Lease } from './claim';
import {
  claimNextReview,
  claimReview,
  countClaims,
  releaseReview,
  type ReviewClaim,
} from '../desk/claim-review';
import { climbLadder, dueApprovals, type ApprovalAtDeadline, type LadderStep } from '../desk/climb-ladder';
import { decide, type Decided, type Judgement } from '../desk/decide';
import { edit, type DeskEdit } from '../desk/edit';
import { complete, failAttempt, type FailedAttempt, type Inferred } from './finish-attempt';
import { dueHeld, hold, settle, undo, type Settled } from '../desk/hold';
import type { Timed } from './in-time';
import { kickAll, kickOverdue } from './kick-overdue';
import { addNote, type Note } from '../desk/note';
import { plan, type PlanRequest } from '../desk/plan';
import { probeSubmit } from './probe-submit';
import { restore, type Restoration } from '../desk/restore';
import { retry } from '../desk/retry';
import { submit, type NewJob, type Submitted } from './submit';

/** Held decisions that one statement settles: each may carry an answer of megabytes. */
const SETTLED_TOGETHER = 10;

/**
 * The only writer of a job's status. Each transition is one guarded statement for many jobs; calls that come
 * together share it. Nothing here publishes: whoever gets a bell back must ring it (the pollers do it otherwise).
 */
@Injectable()
export class JobStore {
  /** — → bot; null if the project has a job with the same idempotency key, or there is one with the same id. */
  readonly submit: (job: NewJob) => Promise<Submitted | null>;
  /** Leases a job in `bot` that nobody holds; null for any other. */
  readonly claim: (request: ClaimRequest) => Promise<ClaimedJob | null>;
  /** bot → human, if the job is still held under the token; null otherwise. */
  readonly complete: (outcome: Inferred) => Promise<Bell | null>;
  /** bot → bot with a due time, bot → fail, or bot → human where an earlier answer waits again; false if the job is no longer held under the token. */
  readonly failAttempt: (outcome: FailedAttempt) => Promise<boolean>;
  /** Writes the policy's plan on an answer that has none; false for any other. */
  readonly plan: (request: PlanRequest) => Promise<boolean>;
  /**
   * human → success, fail or bot, or one vote more; null if the job no longer waits with the judged revision, or this
   * reviewer may not decide.
   */
  readonly decide: (judgement: Judgement) => Promise<Decided | null>;

  /** Lets the held decision of a job take effect once it is due; null when there is none. */
  readonly settle: (jobId: string) => Promise<Settled | null>;

  constructor(@Inject(DataSource) private readonly database: DataSource) {
    this.submit = batched((jobs) => submit(database, jobs));
    this.claim = batched((requests: ClaimRequest[]) => claim(database, requests), { keyOf: byJob });
    this.complete = batched((outcomes: Inferred[]) => complete(database, outcomes), { keyOf: byJob });
    this.failAttempt = batched((outcomes: FailedAttempt[]) => failAttempt(database, outcomes), {
      keyOf: byJob,
    });
    this.plan = batched((requests: PlanRequest[]) => plan(database, requests), { keyOf: byJob });
    this.decide = batched((judgements: Judgement[]) => decide(database, judgements), { keyOf: byJob });
    this.settle = batched((jobIds) => settle(database, jobIds), {
      keyOf: (jobId) => jobId,
      most: SETTLED_TOGETHER,
      // One that is too large for the database's patience must not keep its neighbours.
      failsAll: (error) => isTransient(error) && !isStatementTimeout(error),
    });
  }

  /** Renews leases; answers the ids of the jobs that are still held. */
  extendLeases(leases: Lease[], leaseMs: number): Promise<string[]> {
    return extendLeases(this.database, leases, leaseMs);
  }

  /** Keeps a reviewer's changes without a verdict; answers the new revision, or null when it may not be changed. */
  edit(change: DeskEdit): Promise<number | null> {
    return edit(this.database, change);
  }

  /** human → human, or bot → human for a job that was sent back; answers the new revision, or null where it may not be. */
  restore(wish: Restoration): Promise<number | null> {
    return restore(this.database, wish);
  }

  /** fail → bot for a job that the model has failed; null for any other, and for a decision that was made before. */
  retry(judgement: Judgement): Promise<Decided | null> {
    return retry(this.database, judgement);
  }

  /** Keeps a decision that takes effect after `undoMs`; answers when, or null where `decide` would. */
  hold(judgement: Judgement, undoMs: number): Promise<{ until: Date; revision: number } | null> {
    return hold(this.database, judgement, undoMs);
  }

  /** Takes a held decision of this reviewer back; false when it has taken effect, or was never made. */
  undo(request: { jobId: string; decisionId: string; actor: string } & Scope & Timed): Promise<boolean> {
    return undo(this.database, request);
  }

  /** Up to `limit` jobs whose held decision is due. */
  dueHeld(limit: number): Promise<string[]> {
    return dueHeld(this.database, limit);
  }

  /** Gives a reviewer the most urgent job that they may take; null when there is none. */
  claimNextReview(claim: ReviewClaim): Promise<string | null> {
    return claimNextReview(this.database, claim);
  }

  /** Gives a reviewer one job, or renews their claim; false when somebody else has it, or they may not. */
  claimReview(claim: ReviewClaim & { jobId: string }): Promise<boolean> {
    return claimReview(this.database, claim);
  }

  /** Ends a reviewer's own claim; false when there was none. */
  releaseReview(claim: { jobId: string; actor: string } & Scope & Timed): Promise<boolean> {
    return releaseReview(this.database, claim);
  }

  /** How many live claims a reviewer has in a project. */
  countClaims(scope: Scope, actor: string): Promise<number> {
    return countClaims(this.database, scope, actor);
  }

  /** Adds a note; false when there is no such job. */
  addNote(note: Note): Promise<boolean> {
    return addNote(this.database, note);
  }

  /** Reminds, escalates and expires up to `limit` waiting jobs whose time has come. */
  climbLadder(limit: number): Promise<LadderStep[]> {
    return climbLadder(this.database, limit);
  }

  /** Up to `limit` waiting jobs that their policy approves now, since nobody decided in time. */
  dueApprovals(limit: number): Promise<ApprovalAtDeadline[]> {
    return dueApprovals(this.database, limit);
  }

  /** bot → fail or human → fail; false if the job was final already. */
  cancel({ project }: Scope, jobId: string, actor: string, { deadline }: Timed = {}): Promise<boolean> {
    return cancel(this.database, { jobId, project, actor, deadline });
  }

  /** Rings again for up to `limit` jobs in `bot` that nobody holds and whose time has come. */
  kickOverdue(limit: number): Promise<Bell[]> {
    return kickOverdue(this.database, limit);
  }

  /** Does what a submission does and takes it back. @throws whatever keeps jobs from being submitted */
  probeSubmit(): Promise<void> {
    return probeSubmit(this.database);
  }

  /** Makes all jobs in `bot` overdue and nobody's; only for a process that is alone with its database, before it works. */
  kickAll(): Promise<void> {
    return kickAll(this.database);
  }
}

/** Two changes of one job never share a statement. */
function byJob(item: { jobId: string }): string {
  return item.jobId;
}
