import { Controller, Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { type Caller } from '@hitl/domain';
import { Allow } from '@hitl/service';
import { CurrentCaller } from '../http/caller';
import { encodeCursor } from '../http/list-fields';
import { toPage } from '../http/page';
import { ReviewsService } from './reviews.service';
import { SummariesService } from './summaries.service';
import { ListReviewSummaries, ReviewSummaryPage, toSummary } from './summary.dto';

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
  @ApiOkResponse({ type: ReviewSummaryPage })
  @Allow('reviewer')
  @Get()
  async listReviewSummaries(
    @Query() query: ListReviewSummaries,
    @CurrentCaller() caller: Caller,
  ): Promise<ReviewSummaryPage> {
    const { cursor, limit, decidable, claimed_by: claimedBy, q: asked, ...rest } = query;
    const decidableBy = decidable ? await this.reviews.requireCaller(caller) : undefined;
    const filter = { ...rest, claimedBy, asked, decidableBy };
    const { jobs, total } = await this.summaries.list(caller, filter, { after: cursor, limit: limit + 1 });
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
