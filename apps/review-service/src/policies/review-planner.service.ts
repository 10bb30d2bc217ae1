import { Injectable, Logger } from '@nestjs/common';
import { Config, signsIn } from '@hitl/config';
import { DeskStore, type DeskRules, type Job, type Reviewer } from '@hitl/domain';
import { ChangeAnnouncer } from '@hitl/messaging';
import { metrics } from '@hitl/observability';
import { v7 as uuidv7 } from 'uuid';
import type { Policy, Ruling } from './policy';
import { PolicyFile } from './policy-file.service';
import { ruleOn } from './rulings';

/** Applies the policy to answers: decides as it says, or writes on them who must review. */
@Injectable()
export class ReviewPlanner {
  private readonly logger = new Logger(ReviewPlanner.name);
  /** Where people sign in, it is known who has submitted what. */
  private readonly wantsOtherEyes: boolean;

  constructor(
    private readonly config: Config,
    private readonly file: PolicyFile,
    private readonly store: DeskStore,
    private readonly changes: ChangeAnnouncer,
  ) {
    this.wantsOtherEyes = signsIn(config);
  }

  /** Whether a policy is configured: then every answer must have its plan before anybody acts on it. */
  get configured(): boolean {
    return this.file.current !== null;
  }

  /** What this person may do. */
  deskOf(reviewer: Reviewer): DeskRules {
    return {
      groups: this.file.current?.groupsOf(reviewer) ?? [],
      requirePlan: this.configured,
      fourEyes: this.wantsOtherEyes && !(this.file.current?.letsSubmittersDecide ?? false),
      maxRegenerations: this.config.MAX_REGENERATIONS,
    };
  }

  /** The codes of the project's reasons to reject. */
  get reasonCodes(): string[] {
    return this.file.rejectReasons.map(({ code }) => code);
  }

  /** Applies the policy to a job's current answer. Does nothing where that was done, or somebody was first. */
  async apply(job: Job): Promise<void> {
    const policy = this.file.current;
    if (!policy) return;
    const { id: jobId, metadata, usage, model, project, submitter } = job;
    const [payload, response] = [job.payload.value, job.response?.value ?? null];
    // An answer that a person has asked for is one that a person sees.
    const facts = { jobId, payload, response, metadata, usage, model, project };
    const ruling = await ruleOn(policy, facts, job.regenerations === 0, submitter);
    if ('decide' in ruling) {
      if (await this.decide(job, policy, ruling.decide)) return;
      // Somebody works on it already, where it waits still: then a person sees it.
      const forPeople = await ruleOn(policy, facts, false, submitter);
      if ('plan' in forPeople) await this.plan(job, policy, forPeople);
    } else {
      await this.plan(job, policy, ruling);
    }
  }

  private async plan(
    { id: jobId, revision }: Job,
    policy: Policy,
    { plan, shadow }: Extract<Ruling, { plan: unknown }>,
  ): Promise<void> {
    const planned = await this.store.plan({
      ...plan,
      jobId,
      revision,
      policyHash: policy.hash,
      shadow: shadow && { ...shadow, decisionId: uuidv7() },
    });
    if (!planned) return;
    this.changes.announce(jobId, 'human');
    if (plan.because !== null) {
      this.logger.warn({ jobId, rule: plan.rule, because: plan.because, message: 'a human must look' });
    }
  }

  /** Answers whether the decision took effect. */
  private async decide(
    { id: jobId, project, revision }: Job,
    policy: Policy,
    { verdict, rule, submitterMessage }: Extract<Ruling, { decide: unknown }>['decide'],
  ): Promise<boolean> {
    const decided = await this.store.decide({
      id: uuidv7(),
      jobId,
      project,
      verdict,
      actor: `policy:${rule}`,
      revision,
      response: null,
      payload: null,
      feedback: null,
      reason: null,
      reasonCode: null,
      submitterMessage,
      requestHash: '',
      change: null,
      desk: { groups: [], requirePlan: false, fourEyes: false, maxRegenerations: 0 },
      policy: { rule, hash: policy.hash, atDeadline: false },
    });
    if (!decided) return false;
    metrics.decisions.inc({ verdict });
    this.changes.announce(jobId, decided.status);
    this.logger.log({ jobId, rule, verdict, message: 'the policy decided' });
    return true;
  }
}
