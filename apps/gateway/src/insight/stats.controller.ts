import { Controller, Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { type Caller, type StatsWindow } from '@hitl/domain';
import { Allow } from '@hitl/service';
import { CurrentCaller } from '../http/caller';
import { statsDto, StatsDto, AskStats } from './stats.dto';
import { fault } from '../http/faults';
import { StatsService } from './stats.service';

const DAY_MS = 86_400_000;
const DEFAULT_DAYS = 7;
const MAX_DAYS = 366;

@ApiTags('learning')
@Controller('v1/stats')
export class StatsController {
  constructor(private readonly stats: StatsService) {}

  @ApiOperation({
    summary: 'Figures about the desk',
    description: 'Of the last seven days unless a window is given; at most 366 days.',
  })
  @ApiOkResponse({ type: StatsDto })
  @Allow('insight:read')
  @Get()
  async getStats(@Query() query: AskStats, @CurrentCaller() caller: Caller): Promise<StatsDto> {
    const window = windowOf(query);
    return statsDto(window, await this.stats.read(caller, window));
  }
}

/** @throws DomainError invalid_request */
function windowOf({ to = new Date(), ...query }: AskStats): StatsWindow {
  const { from = new Date(to.getTime() - DEFAULT_DAYS * DAY_MS), model, group } = query;
  const days = (to.getTime() - from.getTime()) / DAY_MS;
  if (!(days > 0))
    throw fault('from', `${from.toISOString()} is not before ${to.toISOString()}, the end of the window`);
  if (days > MAX_DAYS)
    throw fault('from', `the window is ${Math.ceil(days)} days long; ask for at most ${MAX_DAYS}`);
  return { from, to, model, group };
}
