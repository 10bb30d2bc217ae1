import { Controller, Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { type Caller } from '@hitl/domain';
import { Allow } from '@hitl/service';
import { CurrentCaller } from '../http/caller';
import { encodeCursor } from '../http/list-fields';
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
    description:
      'For lists of thousands: without payloads and responses. With q, a page ends after 10,000 jobs that were searched: it may ' +
      'have fewer entries than limit, or none, while has_more is true.',
  })
  @ApiOkResponse({ type: ReviewSummaryPage })
  @Allow('reviews:read')
  @Get()
  async listReviewSummaries(
    @Query() query: ListReviewSummaries,
    @CurrentCaller() caller: Caller,
  ): Promise<ReviewSummaryPage> {
    const { cursor, limit, decidable, claimed_by: claimedBy, q: asked, ...rest } = query;
    const decidableBy = decidable ? await this.reviews.requireCaller(caller) : undefined;
    const filter = { ...rest, claimedBy, asked, decidableBy };
    const { jobs, next, total } = await this.summaries.list(caller, filter, { after: cursor, limit });
    const obstacleOf = await this.reviews.obstacles(caller, jobs);
    return {
      data: jobs.map((job) => toSummary(job, obstacleOf(job))),
      has_more: next !== null,
      next_cursor: next && encodeCursor(next),
      total,
    };
  }
}
