import { Controller, UseFilters } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { DryRunPolicy, ReadPolicy, RethrowFilter, type DryRunReply, type PolicyReply } from '@hitl/messaging';
import { PoliciesService } from './policies.service';

@Controller()
@UseFilters(RethrowFilter)
export class PoliciesConsumer {
  constructor(private readonly policies: PoliciesService) {}

  @MessagePattern(ReadPolicy.pattern)
  read(): PolicyReply {
    return this.policies.read();
  }

  @MessagePattern(DryRunPolicy.pattern)
  dryRun(@Payload() { project, policy, last }: DryRunPolicy): Promise<DryRunReply> {
    return this.policies.dryRun({ project }, policy, last);
  }
}
