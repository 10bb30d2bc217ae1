import { Controller, Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { encodeCursor } from '../http/fields';
import { DecisionsService } from './decisions.service';
import { DecisionPage, ListDecisions, toListedDecision } from './listed-decision.dto';

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
  @Get()
  async listDecisions(@Query() query: ListDecisions): Promise<DecisionPage> {
    const { by, at_deadline, missed_deadline, final, cursor, limit, ...rest } = query;
    const { decisions, next } = await this.decisions.list(
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
