import { Controller, Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { Caller, StatsWindow } from '@hitl/domain';
import { Allow } from '@hitl/service';
import { CurrentCaller } from '../http/caller';
import {
  fault,
  NAME,
  nameParameter,
  onlyParameters,
  timeParameter,
  type Query as QueryParameters,
} from '../http/parameters';
import { statsDto, StatsDto } from './stats.dto';
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
  @ApiQuery({ name: 'from', required: false, schema: { type: 'string', format: 'date-time' } })
  @ApiQuery({
    name: 'to',
    required: false,
    description: 'Not part of the window; now unless given',
    schema: { type: 'string', format: 'date-time' },
  })
  @ApiQuery({ name: 'model', ...NAME })
  @ApiQuery({ name: 'group', ...NAME })
  @ApiOkResponse({ type: StatsDto })
  @Allow('reviewer', 'admin')
  @Get()
  async getStats(@Query() query: QueryParameters, @CurrentCaller() caller: Caller): Promise<StatsDto> {
    onlyParameters(query, ['from', 'to', 'model', 'group']);
    const window = windowOf(query);
    return statsDto(window, await this.stats.read(caller, window));
  }
}

/** @throws DomainError invalid_request */
function windowOf(query: QueryParameters): StatsWindow {
  const to = timeParameter(query, 'to') ?? new Date();
  const from = timeParameter(query, 'from') ?? new Date(to.getTime() - DEFAULT_DAYS * DAY_MS);
  const days = (to.getTime() - from.getTime()) / DAY_MS;
  if (!(days > 0))
    throw fault('from', `${from.toISOString()} is not before ${to.toISOString()}, the end of the window`);
  if (days > MAX_DAYS)
    throw fault('from', `the window is ${Math.ceil(days)} days long; ask for at most ${MAX_DAYS}`);
  return { from, to, model: nameParameter(query, 'model'), group: nameParameter(query, 'group') };
}
