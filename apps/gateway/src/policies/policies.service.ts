import { Inject, Injectable } from '@nestjs/common';
import { ClientProxy } from '@nestjs/microservices';
import { DomainError } from '@hitl/domain';
import { ask, DryRunPolicy, ReadPolicy, type DryRunReply, type PolicyReply } from '@hitl/messaging';
import { PerCaller } from '../http/per-caller';

/** Dry runs of one address at the same time: the review services do one at a time, and few may wait. */
const MAX_DRY_RUNS = 2;

/** The gateway's side of policies: the review service has them. */
@Injectable()
export class PoliciesService {
  private readonly dryRuns = new PerCaller(
    MAX_DRY_RUNS,
    (caller, most) =>
      new DomainError(
        'too_many_dry_runs',
        `${caller} tries ${most} policies already. Try this one when one of them has ended, which takes seconds.`,
      ),
  );

  constructor(@Inject(ClientProxy) private readonly client: ClientProxy) {}

  /** @throws DomainError unavailable */
  current(): Promise<PolicyReply> {
    return ask(this.client, ReadPolicy.pattern, {});
  }

  /**
   * @param caller whose trial it is, by address
   * @throws DomainError invalid_policy, too_many_dry_runs, unavailable
   */
  async dryRun(trial: DryRunPolicy, caller: string): Promise<DryRunReply> {
    const leave = this.dryRuns.enter(caller);
    try {
      return await ask(this.client, DryRunPolicy.pattern, trial, 1);
    } finally {
      leave();
    }
  }
}
