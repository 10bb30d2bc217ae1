import { Body, Controller, Get, HttpCode, Ip, Post } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { type Caller } from '@hitl/domain';
import { Allow } from '@hitl/service';
import { CurrentCaller } from '../http/caller';
import { CurrentPolicy, currentPolicy, DryRun, dryRun, TryPolicy } from './policy.dto';
import { PoliciesService } from './policies.service';
import { ApiErrors } from '../openapi/api-errors';

@ApiTags('policies')
@Controller('v1/policies')
export class PoliciesController {
  constructor(private readonly policies: PoliciesService) {}

  @ApiOperation({
    summary: 'Read the policy in force',
    description:
      'With the defaults filled in on every rule. error says why the file as it is now is not in force.',
  })
  @ApiOkResponse({ type: CurrentPolicy })
  @Allow('policies:read')
  @Get('current')
  async readCurrentPolicy(): Promise<CurrentPolicy> {
    return currentPolicy(await this.policies.current());
  }

  @ApiOperation({
    summary: 'Try a policy on the newest answers',
    description:
      'Changes nothing. Says what the policy would have done with each and what had happened to it. ' +
      'Ends within seconds, with fewer answers where need be.',
  })
  @ApiOkResponse({ type: DryRun })
  @ApiErrors('invalid_policy', 'too_many_dry_runs')
  @Allow('policies:test')
  @Post('dry-run')
  @HttpCode(200)
  async dryRunPolicy(
    @Body() { policy, last }: TryPolicy,
    @CurrentCaller() { project }: Caller,
    @Ip() address: string,
  ): Promise<DryRun> {
    return dryRun(await this.policies.dryRun({ project, policy, last }, address));
  }
}
