import { Body, Controller, Delete, Get, HttpCode, Post, Put, Query, Res } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { type Caller } from '@hitl/domain';
import { Allow } from '@hitl/service';
import { type FastifyReply } from 'fastify';
import { v7 as uuidv7 } from 'uuid';
import { CurrentCaller } from '../http/caller';
import { encodeCursor } from '../http/list-fields';
import { LargeResponses } from '../http/large-responses';
import { JobId } from '../http/path';
import { ApiErrors } from '../openapi/api-errors';
import { NoteDto } from './note.dto';
import { openReview, REVIEW } from './open-review';
import { ListReviews, ReviewPage, toReview, type OpenReviewDto } from './review.dto';
import { ReviewsService } from './reviews.service';

@ApiTags('reviews')
@Controller('v1/reviews')
export class ReviewsController {
  constructor(
    private readonly reviews: ReviewsService,
    private readonly responses: LargeResponses,
  ) {}

  @ApiOperation({
    summary: 'List jobs that wait for a human, most urgent first: by priority, then by age',
    description: 'Whole jobs: a page ends before its limit where they come to more than 8 MiB together.',
  })
  @ApiOkResponse({ type: ReviewPage })
  @Allow('reviews:read')
  @Get()
  async listReviews(
    @Query() { cursor, limit, decidable }: ListReviews,
    @CurrentCaller() caller: Caller,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { bytes, next, read } = await this.reviews.waiting(caller, {
      after: cursor,
      limit,
      decidableBy: decidable ? await this.reviews.requireCaller(caller) : null,
    });
    await this.responses.send(reply, bytes, async (): Promise<ReviewPage> => {
      const jobs = await read();
      const obstacleOf = await this.reviews.obstacles(caller, jobs);
      return {
        data: jobs.map((job) => toReview(job, obstacleOf(job))),
        has_more: next !== null,
        next_cursor: next && encodeCursor(next),
      };
    });
  }

  @ApiOperation({
    summary: 'Claim the most urgent job',
    description:
      'By priority, then by age, of those that you may review and nobody has. No two reviewers get the same one; the claim ends automatically.',
  })
  @ApiOkResponse(REVIEW)
  @ApiNoContentResponse({ description: 'No job waits for you' })
  @ApiErrors('too_many_claims')
  @Allow('reviews:write')
  @Post('claim-next')
  @HttpCode(200)
  async claimNextReview(
    @CurrentCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OpenReviewDto | undefined> {
    const job = await this.reviews.claimNext(caller);
    if (!job) {
      reply.status(204);
      return undefined;
    }
    return openReview(this.reviews, job, caller, reply);
  }

  @ApiOperation({
    summary: 'Read a job as its reviewer',
    description: 'With the response that nobody has approved yet. The ETag is the revision.',
  })
  @ApiOkResponse(REVIEW)
  @ApiErrors('job_not_found')
  @Allow('reviews:read')
  @Get(':id')
  async getReview(
    @JobId() id: string,
    @CurrentCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OpenReviewDto> {
    return openReview(this.reviews, await this.reviews.get(caller, id), caller, reply);
  }

  @ApiOperation({
    summary: 'Claim a job, or renew your claim',
    description: 'Nobody else can decide on it until the claim ends.',
  })
  @ApiOkResponse(REVIEW)
  @ApiErrors(
    'job_not_found',
    'job_not_waiting',
    'claimed',
    'too_many_claims',
    'not_in_group',
    'own_submission',
    'already_voted',
  )
  @Allow('reviews:write')
  @Put(':id/claim')
  async claimReview(
    @JobId() id: string,
    @CurrentCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OpenReviewDto> {
    return openReview(this.reviews, await this.reviews.claim(caller, id), caller, reply);
  }

  @ApiOperation({ summary: 'Release your claim on a job' })
  @ApiNoContentResponse({ description: 'You have no claim on it now' })
  @ApiErrors('job_not_found')
  @Allow('reviews:write')
  @Delete(':id/claim')
  @HttpCode(204)
  async releaseReview(@JobId() id: string, @CurrentCaller() caller: Caller): Promise<void> {
    await this.reviews.release(caller, id);
  }

  @ApiOperation({ summary: 'Leave a note on a job, for reviewers and auditors' })
  @ApiNoContentResponse()
  @ApiErrors('job_not_found', 'content_erased')
  @Allow('reviews:write')
  @Post(':id/notes')
  @HttpCode(204)
  async addNote(@JobId() id: string, @Body() body: NoteDto, @CurrentCaller() caller: Caller): Promise<void> {
    await this.reviews.note(caller, id, { id: body.id?.toLowerCase() ?? uuidv7(), text: body.text });
  }
}
