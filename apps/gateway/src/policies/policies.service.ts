import { Inject, Injectable } from '@nestjs/common';
import { ClientProxy } from '@nestjs/microservices';
import { ask, DryRunPolicy, ReadPolicy, type DryRunReply, type PolicyReply } from '@hitl/messaging';

/** The gateway's side of policies: the review service has them. */
@Injectable()
export class PoliciesService {
  constructor(@Inject(ClientProxy) private readonly client: ClientProxy) {}

  /** @throws DomainError unavailable */
  current(): Promise<PolicyReply> {
    return ask(this.client, ReadPolicy.pattern, {});
  }

  /** @throws DomainError invalid_policy, unavailable */
  dryRun(trial: DryRunPolicy): Promise<DryRunReply> {
    return ask(this.client, DryRunPolicy.pattern, trial, 1);
  }
}
