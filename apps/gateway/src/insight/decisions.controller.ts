import { Controller, Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { type Caller } from '@hitl/domain';
import { Allow } from '@hitl/service';
import { CurrentCaller } from '../http/caller';
import { DecisionsService } from './decisions.service';
import { DecisionPage, toListedDecision, ListDecisions } from './listed-decision.dto';
import { encodeCursor } from '../http/list-fields';

@ApiTags('history')
@Controller('v1/decisions')
export class DecisionsController {
  constructor(private readonly decisions: DecisionsService) {}

  @ApiOperation({
    summary: 'List decisions, one line each, newest first',
    description:
      "People's and a policy's: what the figures of /v1/stats were counted from. Those that are only for the record are left out.",
  })
  @ApiOkResponse({ type: DecisionPage })
  @Allow('insight:read')
  @Get()
  async listDecisions(@Query() query: ListDecisions, @CurrentCaller() caller: Caller): Promise<DecisionPage> {
    const { by, at_deadline, missed_deadline, final, cursor, limit, ...rest } = query;
    const { decisions, next } = await this.decisions.list(
      caller,
      {
        ...rest,
        automatic: by && by === 'policy',
        atDeadline: at_deadline || undefined,
        missedDeadline: missed_deadline || undefined,
        final: final || undefined,
      },
      { after: cursor, limit },
    );
    return {
      data: decisions.map(toListedDecision),
      has_more: next !== null,
      next_cursor: next && encodeCursor(next),
    };
  }
}
