import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { batchedStatement, LARGE_SIZE } from '../batched-statement';
import type { Scope } from '../caller';
import type { Bell } from '../outbox/bell';
import { cancel } from './cancel';
import { claim, extendLeases, type ClaimedJob, type ClaimRequest, type Lease } from './claim';
import { complete, failAttempt, type FailedAttempt, type Inferred } from './finish-attempt';
import type { Timed } from './in-time';
import { kickAll, kickOverdue } from './kick-overdue';
import { probeSubmit } from './probe-submit';
import { byJob } from './lock';
import { submit, type NewJob, type Submitted } from './submit';
import { addUpWaiting } from './waiting-counts';

/**
 * The only writer of a job's status outside the desk, which has {@link DeskStore}. Each transition is one guarded
 * statement for many jobs; calls that come together share it. Nothing here publishes: the caller rings the bells that it
 * gets back (the pollers do it otherwise).
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

  constructor(@Inject(DataSource) private readonly database: DataSource) {
    this.submit = batchedStatement((jobs) => submit(database, jobs), {
      isLarge: ({ payload }) => payload.size > LARGE_SIZE,
    });
    this.claim = batchedStatement((requests: ClaimRequest[]) => claim(database, requests), { keyOf: byJob });
    this.complete = batchedStatement((outcomes: Inferred[]) => complete(database, outcomes), {
      keyOf: byJob,
      isLarge: ({ response }) => response.size > LARGE_SIZE,
    });
    this.failAttempt = batchedStatement((outcomes: FailedAttempt[]) => failAttempt(database, outcomes), {
      keyOf: byJob,
    });
  }

  /** Renews leases; answers the ids of the jobs that are still held. */
  extendLeases(leases: Lease[], leaseMs: number): Promise<string[]> {
    return extendLeases(this.database, leases, leaseMs);
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

  /** Keeps the counts of what waits short; any process may, at any time. */
  addUpWaiting(): Promise<void> {
    return addUpWaiting(this.database);
  }

  /** Makes all jobs in `bot` overdue and nobody's; only for a process that is alone with its database, before it works. */
  kickAll(): Promise<void> {
    return kickAll(this.database);
  }
}
