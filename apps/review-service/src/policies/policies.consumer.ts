import { Controller, UseFilters } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { DryRunPolicy, ReadPolicy, RethrowFilter, type DryRunReply, type PolicyReply } from '@hitl/messaging';
import { PolicyQueries } from './policy-queries.service';

@Controller()
@UseFilters(RethrowFilter)
export class PoliciesConsumer {
  constructor(private readonly queries: PolicyQueries) {}

  @MessagePattern(ReadPolicy.pattern)
  read(): PolicyReply {
    return this.queries.read();
  }

  @MessagePattern(DryRunPolicy.pattern)
  dryRun(@Payload() { project, policy, last }: DryRunPolicy): Promise<DryRunReply> {
    return this.queries.dryRun({ project }, policy, last);
  }
}
