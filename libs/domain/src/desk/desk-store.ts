import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { batchedStatement, LARGE_SIZE } from '../batched-statement';
import { isStatementTimeout, isTransient } from '../database-errors';
import type { Scope } from '../caller';
import type { Timed } from '../jobs/in-time';
import { byJob } from '../jobs/lock';
import { claimNextReview, claimReview, countClaims, releaseReview, type ReviewClaim } from './claim-review';
import { climbLadder, dueApprovals, type ApprovalAtDeadline, type LadderStep } from './climb-ladder';
import { decide, type Decided, type Judgement } from './decide';
import { edit, type DeskEdit } from './edit';
import { dueHeld, hold, settle, undo, type Settled } from './hold';
import { addNote, type Note } from './note';
import { plan, type PlanRequest } from './plan';
import { restore, type Restoration } from './restore';
import { retry } from './retry';

/** Held decisions that one statement settles: each may carry an answer of megabytes. */
const SETTLED_TOGETHER = 10;

/**
 * The only writer of what happens to a job while it waits for a human, and of the transition that ends the wait. As in
 * {@link JobStore}, calls that come together share a guarded statement, and nothing here publishes.
 */
@Injectable()
export class DeskStore {
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
    this.plan = batchedStatement((requests: PlanRequest[]) => plan(database, requests), { keyOf: byJob });
    this.decide = batchedStatement((judgements: Judgement[]) => decide(database, judgements), {
      keyOf: byJob,
      isLarge: ({ response, payload }) => (response ?? payload ?? '').length > LARGE_SIZE,
    });
    this.settle = batchedStatement((jobIds) => settle(database, jobIds), {
      keyOf: (jobId) => jobId,
      most: SETTLED_TOGETHER,
      // One that is too large for the database's patience must not keep its neighbours.
      failsAll: (error) => isTransient(error) && !isStatementTimeout(error),
    });
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
}
