import { Controller, Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import { isJobId, type SummaryFilter, type Caller } from '@hitl/domain';
import { Allow } from '@hitl/service';
import { CurrentCaller } from '../http/caller';
import {
  choiceParameter,
  cursorParameter,
  encodeCursor,
  fault,
  flagParameter,
  limitParameter,
  onlyParameters,
  PERSON,
  personParameter,
  quote,
  single,
  DEFAULT_PAGE,
  wholeNumber,
  type Query as QueryParameters,
} from '../http/parameters';
import { toPage } from '../jobs/job.dto';
import { DECIDABLE, isReviewPosition } from './reviews.controller';
import { ReviewsService } from './reviews.service';
import { SummariesService } from './summaries.service';
import { ReviewSummaryPage, toSummary } from './summary.dto';
import { CURSOR } from '../openapi/api-page';

/** Entries that one page has at most. */
const MAX_LIST = 1000;
/** Ids that one request may name. */
const MAX_IDS = 200;
/** Characters that a filter may have. */
const MAX_FILTER_LENGTH = 200;

const WITHOUT = ['model', 'rule', 'group'] as const;

const filter = (name: string, description: string) =>
  ({ name, required: false, description, schema: { type: 'string', maxLength: MAX_FILTER_LENGTH } }) as const;

@ApiTags('reviews')
@Controller('v1/review-summaries')
export class SummariesController {
  constructor(
    private readonly summaries: SummariesService,
    private readonly reviews: ReviewsService,
  ) {}

  @ApiOperation({
    summary: 'List jobs that wait for a human, one line each, most urgent first',
    description: 'For lists of thousands: without payloads and answers.',
  })
  @ApiQuery({
    name: 'limit',
    required: false,
    schema: { type: 'integer', minimum: 1, maximum: MAX_LIST, default: DEFAULT_PAGE },
  })
  @ApiQuery(CURSOR)
  @ApiQuery({
    name: 'ids',
    required: false,
    description: `Only these, ${MAX_IDS} at most, with commas between: what has become of jobs that are shown already`,
    schema: { type: 'string' },
  })
  @ApiQuery(filter('model', 'The model that was asked for'))
  @ApiQuery(filter('rule', "The policy's rule"))
  @ApiQuery(filter('group', 'The group whose members may review'))
  @ApiQuery({
    name: 'without',
    required: false,
    description:
      'Only those that have none; what has no group is for everybody. Not together with the filter of that name',
    schema: { type: 'string', enum: [...WITHOUT] },
  })
  @ApiQuery({ name: 'claimed_by', description: 'Who has it now', ...PERSON })
  @ApiQuery({
    name: 'unclaimed',
    required: false,
    description: 'true: only what nobody has',
    schema: { type: 'boolean' },
  })
  @ApiQuery(DECIDABLE)
  @ApiQuery({ name: 'priority', required: false, schema: { type: 'integer', minimum: 0, maximum: 9 } })
  @ApiQuery(filter('q', 'A part of what was asked, in any letter case'))
  @ApiOkResponse({ type: ReviewSummaryPage })
  @Allow('reviewer')
  @Get()
  async listReviewSummaries(
    @Query() query: QueryParameters,
    @CurrentCaller() caller: Caller,
  ): Promise<ReviewSummaryPage> {
    onlyParameters(query, [
      'limit',
      'cursor',
      'ids',
      ...FILTERS,
      ...FLAGS,
      'claimed_by',
      'without',
      'priority',
    ]);
    const limit = limitParameter(query, undefined, MAX_LIST);
    const after = cursorParameter(query, isReviewPosition);
    const filter = filterOf(query);
    if (flagParameter(query, 'decidable')) filter.decidableBy = await this.reviews.requireCaller(caller);
    const { jobs, total } = await this.summaries.list(caller, filter, { after, limit: limit + 1 });
    const obstacleOf = await this.reviews.obstacles(caller, jobs);
    const page = toPage(
      jobs,
      limit,
      (job) => toSummary(job, obstacleOf(job)),
      ({ priority, id }) => encodeCursor({ priority, id }),
    );
    return { ...page, total };
  }
}

const FLAGS = ['unclaimed', 'decidable'] as const;
const FILTERS = ['model', 'rule', 'group', 'q'] as const;

function filterOf(query: QueryParameters): SummaryFilter {
  for (const name of FILTERS) {
    const text = single(query, name) ?? '';
    if (text.length > MAX_FILTER_LENGTH)
      throw fault(name, `has ${text.length} characters, ${MAX_FILTER_LENGTH} at most`);
    if (text.includes('\0')) throw fault(name, 'contains the character U+0000, which no text here has');
  }
  const without = choiceParameter(query, 'without', WITHOUT);
  if (without && query[without] !== undefined) throw fault('without', `${without} is given as well`);
  return {
    ids: idsOf(query),
    model: single(query, 'model'),
    rule: single(query, 'rule'),
    group: single(query, 'group'),
    without,
    claimedBy: personParameter(query, 'claimed_by'),
    unclaimed: flagParameter(query, 'unclaimed'),
    priority: wholeNumber(query, 'priority', undefined, 0, 9),
    asked: single(query, 'q'),
  };
}

function idsOf(query: QueryParameters): string[] | undefined {
  const ids = single(query, 'ids')?.split(',');
  if (!ids) return undefined;
  if (ids.length > MAX_IDS) throw fault('ids', `names ${ids.length} jobs, ${MAX_IDS} at most`);
  const wrong = ids.find((id) => !isJobId(id));
  if (wrong !== undefined) throw fault('ids', `${quote(wrong)} is not the id of a job`);
  return ids;
}
