import { Controller, Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import { isJobId, type Caller, type DecisionPosition } from '@hitl/domain';
import { Allow } from '@hitl/service';
import { CurrentCaller } from '../http/caller';
import {
  choiceParameter,
  cursorParameter,
  encodeCursor,
  fault,
  flagParameter,
  isTime,
  MAX_PAGE,
  limitParameter,
  NAME,
  nameParameter,
  PERSON,
  personParameter,
  onlyParameters,
  timeParameter,
  DEFAULT_PAGE,
  type Query as QueryParameters,
} from '../http/parameters';
import { DecisionsService } from './decisions.service';
import { DecisionPage, OUTCOMES, toListedDecision } from './listed-decision.dto';
import { CURSOR } from '../openapi/api-page';

const TIME = { required: false, schema: { type: 'string', format: 'date-time' } } as const;
const FLAG = { required: false, schema: { type: 'boolean' } } as const;

@ApiTags('history')
@Controller('v1/decisions')
export class DecisionsController {
  constructor(private readonly decisions: DecisionsService) {}

  @ApiOperation({
    summary: 'List decisions, one line each, newest first',
    description:
      "People's and a policy's: what the figures of /v1/stats were counted from. Those that are only for the record are left out.",
  })
  @ApiQuery({ name: 'from', description: 'Made at or after this', ...TIME })
  @ApiQuery({ name: 'to', description: 'Made before this', ...TIME })
  @ApiQuery({ name: 'model', description: 'The model that was asked for', ...NAME })
  @ApiQuery({ name: 'rule', description: "The policy's rule", ...NAME })
  @ApiQuery({
    name: 'without',
    required: false,
    description: 'Only those that have none of it',
    schema: { type: 'string', enum: ['model', 'rule'] },
  })
  @ApiQuery({ name: 'reviewer', description: 'Who decided', ...PERSON })
  @ApiQuery({ name: 'group', description: "The job's group, as it is now", ...NAME })
  @ApiQuery({
    name: 'verdict',
    required: false,
    description:
      'expired: no decisions, but the waits that ended at their deadline because nobody had decided',
    schema: { type: 'string', enum: [...OUTCOMES] },
  })
  @ApiQuery({
    name: 'by',
    required: false,
    description: 'Who decided: people, or the policy alone',
    schema: { type: 'string', enum: ['people', 'policy'] },
  })
  @ApiQuery({ name: 'at_deadline', description: 'true: only because nobody had decided in time', ...FLAG })
  @ApiQuery({
    name: 'missed_deadline',
    description: 'true: only because nobody had decided in time, and the waits that expired',
    ...FLAG,
  })
  @ApiQuery({ name: 'final', description: 'true: only what ended a job or sent it back, no votes', ...FLAG })
  @ApiQuery({
    name: 'pairs',
    required: false,
    description:
      "One decision per pair of an agreement in /v1/stats, with the other one in paired_with. double: the later of two people's; shadow: a person's, beside a shadowed rule's",
    schema: { type: 'string', enum: ['double', 'shadow'] },
  })
  @ApiQuery({
    name: 'limit',
    required: false,
    schema: { type: 'integer', minimum: 1, maximum: MAX_PAGE, default: DEFAULT_PAGE },
  })
  @ApiQuery(CURSOR)
  @ApiOkResponse({ type: DecisionPage })
  @Allow('reviewer', 'admin')
  @Get()
  async listDecisions(
    @Query() query: QueryParameters,
    @CurrentCaller() caller: Caller,
  ): Promise<DecisionPage> {
    onlyParameters(query, PARAMETERS);
    const by = choiceParameter(query, 'by', ['people', 'policy']);
    const without = choiceParameter(query, 'without', ['model', 'rule']);
    if (without && query[without] !== undefined) throw fault('without', `${without} is given as well`);
    const { decisions, next } = await this.decisions.list(
      caller,
      {
        from: timeParameter(query, 'from'),
        to: timeParameter(query, 'to'),
        model: nameParameter(query, 'model'),
        rule: nameParameter(query, 'rule'),
        without,
        reviewer: personParameter(query, 'reviewer'),
        group: nameParameter(query, 'group'),
        verdict: choiceParameter(query, 'verdict', OUTCOMES),
        automatic: by && by === 'policy',
        atDeadline: flagParameter(query, 'at_deadline') || undefined,
        missedDeadline: flagParameter(query, 'missed_deadline') || undefined,
        final: flagParameter(query, 'final') || undefined,
        pairs: choiceParameter(query, 'pairs', ['double', 'shadow']),
      },
      { after: cursorParameter(query, isDecisionPosition), limit: limitParameter(query) },
    );
    return {
      data: decisions.map(toListedDecision),
      has_more: next !== null,
      next_cursor: next && encodeCursor(next),
    };
  }
}

const PARAMETERS = [
  ...['from', 'to', 'model', 'rule', 'without', 'reviewer', 'group', 'verdict', 'by'],
  ...['at_deadline', 'missed_deadline', 'final', 'pairs', 'limit', 'cursor'],
];

function isDecisionPosition(value: unknown): value is DecisionPosition {
  const { at, id } = (value ?? {}) as Partial<Record<string, unknown>>;
  return typeof at === 'string' && isTime(at) && typeof id === 'string' && isJobId(id);
}
