import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Config } from '@hitl/config';
import { JobStore, type ApprovalAtDeadline } from '@hitl/domain';
import { ChangeAnnouncer, every, OutboxRelay, type Repetition } from '@hitl/messaging';
import { metrics } from '@hitl/observability';
import { v7 as uuidv7 } from 'uuid';

/** Jobs that one look moves on at most. */
const JOBS_PER_LOOK = 200;

/**
 * Does what is due with jobs in `human`: held decisions take effect, reviewers are reminded, jobs escalate and
 * expire, or are approved where their policy says so. Due times are rows, so a restart forgets none; runs on every
 * replica, and each step is taken once.
 */
@Injectable()
export class Deadlines implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(Deadlines.name);
  private looking?: Repetition;

  constructor(
    private readonly store: JobStore,
    private readonly outbox: OutboxRelay,
    private readonly changes: ChangeAnnouncer,
    private readonly config: Config,
  ) {}

  onApplicationBootstrap(): void {
    this.looking = every(this.config.RECONCILE_INTERVAL_MS, () => this.look(), this.logger);
  }

  async onModuleDestroy(): Promise<void> {
    await this.looking?.stop();
  }

  private async look(): Promise<number> {
    return (await this.settle()) + (await this.approve()) + (await this.climb());
  }

  private async settle(): Promise<number> {
    const settled = await this.store.settleHeld(JOBS_PER_LOOK);
    for (const { jobId, status, bell } of settled) {
      if (bell) this.outbox.ring(bell);
      this.changes.announce(jobId, status);
      this.logger.log({ jobId, status, message: 'a held decision took effect' });
    }
    return settled.length;
  }

  private async approve(): Promise<number> {
    const due = await this.store.dueApprovals(JOBS_PER_LOOK);
    const approved = await Promise.all(due.map((job) => this.approveOne(job)));
    return approved.filter(Boolean).length;
  }

  private async approveOne({ jobId, revision, rule, policyHash }: ApprovalAtDeadline): Promise<boolean> {
    const name = rule ?? 'defaults';
    const decided = await this.store.decide({
      id: uuidv7(),
      jobId,
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
      desk: { groups: [], requirePlan: false, maxRegenerations: 0 },
      policy: { rule: name, hash: policyHash, atDeadline: true },
    });
    if (!decided) return false;
    metrics.deadlineSteps.inc({ step: 'approved' });
    this.changes.announce(jobId, decided.status);
    this.logger.warn({ jobId, rule: name, message: 'approved by the policy: nobody had decided in time' });
    return true;
  }

  private async climb(): Promise<number> {
    const steps = await this.store.climbLadder(JOBS_PER_LOOK);
    for (const { jobId, type } of steps) {
      metrics.deadlineSteps.inc({ step: type });
      this.changes.announce(jobId, type === 'expired' ? 'fail' : 'human');
      this.logger.log({ jobId, message: type });
    }
    return steps.length;
  }
}
