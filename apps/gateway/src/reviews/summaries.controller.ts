import { Controller, Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Actor } from '../http/actor';
import { encodeCursor } from '../http/fields';
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
  @Get()
  async listReviewSummaries(
    @Query() query: ListReviewSummaries,
    @Actor() actor: string,
  ): Promise<ReviewSummaryPage> {
    const { cursor, limit, decidable, claimed_by: claimedBy, q: asked, ...rest } = query;
    const decidableBy = decidable ? await this.reviews.requireCaller(actor) : undefined;
    const filter = { ...rest, claimedBy, asked, decidableBy };
    const { jobs, total } = await this.summaries.list(filter, { after: cursor, limit: limit + 1 });
    const obstacleOf = await this.reviews.obstacles(jobs, actor);
    const page = toPage(
      jobs,
      limit,
      (job) => toSummary(job, obstacleOf(job)),
      ({ priority, id }) => encodeCursor({ priority, id }),
    );
    return { ...page, total };
  }
}
