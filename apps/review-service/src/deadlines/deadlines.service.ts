import { Injectable, Logger } from '@nestjs/common';
import { Every } from '@hitl/background';
import type { Config } from '@hitl/config';
import {
  DraftStore,
  isDatabaseTrouble,
  isStatementTimeout,
  DeskStore,
  type ApprovalAtDeadline,
} from '@hitl/domain';
import { ChangeAnnouncer, OutboxRelay } from '@hitl/messaging';
import { metrics } from '@hitl/observability';
import { v7 as uuidv7 } from 'uuid';
import { countDecided } from '../reviews/count-decided';

/** Jobs that one look moves on at most. */
const JOBS_PER_LOOK = 200;
/** How often drafts are looked for that their jobs have left over, in milliseconds, and how many go at a time. */
const SWEEP_INTERVAL_MS = 600_000;
const DRAFTS_PER_SWEEP = 500;

/** Each kind of look goes by itself: none waits for another that is slow or fails. */
const lookInterval = (config: Config): number => config.RECONCILE_INTERVAL_MS;

/**
 * Does what is due with jobs in `human`: held decisions take effect, reviewers are reminded, jobs escalate and
 * expire, or are approved where their policy says so. Due times are rows, so a restart forgets none; runs on every
 * replica, and each step is taken once. Now and then sweeps the drafts that ended jobs have left over.
 */
@Injectable()
export class Deadlines {
  private readonly logger = new Logger(Deadlines.name);

  constructor(
    private readonly store: DeskStore,
    private readonly drafts: DraftStore,
    private readonly outbox: OutboxRelay,
    private readonly changes: ChangeAnnouncer,
  ) {}

  /** Held decisions whose time to be undone is over; returns how many took effect. */
  @Every(lookInterval)
  async settle(): Promise<number> {
    const due = await this.store.dueHeld(JOBS_PER_LOOK);
    const settled = await Promise.all(due.map((jobId) => this.settleOne(jobId)));
    return settled.filter(Boolean).length;
  }

  private async settleOne(jobId: string): Promise<boolean> {
    try {
      const settled = await this.store.settle(jobId);
      if (!settled) return false;
      const { status, verdict, bell, undone } = settled;
      if (!undone) countDecided(verdict, status);
      if (bell) this.outbox.ring(bell);
      this.changes.announce(jobId, status);
      const message = undone
        ? 'a pending decision was taken back: its id belongs to another one'
        : 'a pending decision took effect';
      this.logger.log({ jobId, status, message });
      return true;
    } catch (error) {
      if (isDatabaseTrouble(error) && !isStatementTimeout(error)) throw error;
      this.logger.error({ jobId, err: error, message: 'a pending decision did not take effect' });
      return false;
    }
  }

  /** Jobs whose policy approves them at their deadline; returns how many. */
  @Every(lookInterval)
  async approve(): Promise<number> {
    const due = await this.store.dueApprovals(JOBS_PER_LOOK);
    const approved = await Promise.all(due.map((job) => this.approveOne(job)));
    return approved.filter(Boolean).length;
  }

  private async approveOne({
    jobId,
    project,
    revision,
    rule,
    policyHash,
  }: ApprovalAtDeadline): Promise<boolean> {
    const name = rule ?? 'defaults';
    const decided = await this.store.decide({
      id: uuidv7(),
      jobId,
      project,
      verdict: 'approve',
      actor: `policy:${name}`,
      revision,
      response: null,
      payload: null,
      feedback: null,
      reason: null,
      reasonCode: null,
      submitterMessage: null,
      requestHash: '',
      change: null,
      desk: { groups: [], requirePlan: false, fourEyes: false, maxRegenerations: 0 },
      policy: { rule: name, hash: policyHash, atDeadline: true },
    });
    if (!decided) return false;
    metrics.deadlineSteps.inc({ step: 'approved' });
    countDecided('approve', decided.status);
    this.changes.announce(jobId, decided.status);
    this.logger.warn({ jobId, rule: name, message: 'approved by the policy: nobody had decided in time' });
    return true;
  }

  /** Reminders, escalations and ends; returns how many. */
  @Every(lookInterval)
  async climb(): Promise<number> {
    const steps = await this.store.climbLadder(JOBS_PER_LOOK);
    for (const { jobId, type } of steps) {
      metrics.deadlineSteps.inc({ step: type });
      this.changes.announce(jobId, type === 'expired' ? 'fail' : 'human');
      this.logger.log({ jobId, message: type });
    }
    return steps.length;
  }

  /** Drafts that are beyond one sweep wait for the next one. */
  @Every(SWEEP_INTERVAL_MS)
  async sweep(): Promise<void> {
    await this.drafts.sweep(DRAFTS_PER_SWEEP);
  }
}
