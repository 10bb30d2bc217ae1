import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { batched } from '../batcher';
import type { Bell } from '../outbox/bell';
import { cancel } from './statements/cancel';
import { claim, extendLeases, type ClaimedJob, type ClaimRequest, type Lease } from './statements/claim';
import { decide, type Decided, type DecisionRequest } from './statements/decide';
import { edit, type Edit } from './statements/edit';
import { complete, failAttempt, type FailedAttempt, type Inferred } from './statements/finish-attempt';
import { kickAll, kickOverdue } from './statements/kick-overdue';
import { submit, type NewJob, type Submitted } from './statements/submit';

/**
 * The only writer of a job's status. Each transition is one guarded statement for many jobs; calls that come
 * together share it. Nothing here publishes: whoever gets a bell back must ring it (the pollers do it otherwise).
 */
@Injectable()
export class JobStore {
  /** — → bot; null if the project has a job with the same idempotency key. */
  readonly submit: (job: NewJob) => Promise<Submitted | null>;
  /** Leases a job in `bot` that nobody holds; null for any other. */
  readonly claim: (request: ClaimRequest) => Promise<ClaimedJob | null>;
  /** bot → human, if the job is still held under the token; null otherwise. */
  readonly complete: (outcome: Inferred) => Promise<Bell | null>;
  /** bot → bot with a due time, or bot → fail; false if the job is no longer held under the token. */
  readonly failAttempt: (outcome: FailedAttempt) => Promise<boolean>;
  /** human → success, fail or bot; null if the job no longer waits with the judged revision. */
  readonly decide: (request: DecisionRequest) => Promise<Decided | null>;

  constructor(@Inject(DataSource) private readonly database: DataSource) {
    this.submit = batched((jobs) => submit(database, jobs));
    this.claim = batched((requests: ClaimRequest[]) => claim(database, requests), { keyOf: byJob });
    this.complete = batched((outcomes: Inferred[]) => complete(database, outcomes), { keyOf: byJob });
    this.failAttempt = batched((outcomes: FailedAttempt[]) => failAttempt(database, outcomes), {
      keyOf: byJob,
    });
    this.decide = batched((requests: DecisionRequest[]) => decide(database, requests), { keyOf: byJob });
  }

  /** Renews leases; answers the ids of the jobs that are still held. */
  extendLeases(leases: Lease[], leaseMs: number): Promise<string[]> {
    return extendLeases(this.database, leases, leaseMs);
  }

  /** Keeps a reviewer's changes without a verdict; answers the new revision, or null when the job waits no more. */
  edit(change: Edit): Promise<number | null> {
    return edit(this.database, change);
  }

  /** bot → fail or human → fail; false if the job was final already. */
  cancel(jobId: string, actor: string): Promise<boolean> {
    return cancel(this.database, jobId, actor);
  }

  /** Rings again for up to `limit` jobs in `bot` that nobody holds and whose time has come. */
  kickOverdue(limit: number): Promise<Bell[]> {
    return kickOverdue(this.database, limit);
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
