import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query, Res } from '@nestjs/common';
import {
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiQuery,
  ApiTags,
} from '@nestjs/swagger';
import { isJobId, isJsonObject, type ReviewPosition, type Caller } from '@hitl/domain';
import { Allow } from '@hitl/service';
import type { FastifyReply } from 'fastify';
import { v7 as uuidv7 } from 'uuid';
import { CurrentCaller } from '../http/caller';
import { LargeAnswers } from '../http/large-answers';
import {
  cursorParameter,
  encodeCursor,
  flagParameter,
  limitParameter,
  onlyParameters,
  type Query as QueryParameters,
} from '../http/parameters';
import { ApiErrors } from '../openapi/api-errors';
import { ApiPage } from '../openapi/api-page';
import { NoteDto } from './note.dto';
import { JOB_ID, openReview, REVIEW } from './open-review';
import { ReviewPage, toReview, type OpenReviewDto } from './review.dto';
import { ReviewsService } from './reviews.service';

/** The list's filter for what the reviewer who asks may decide on. */
export const DECIDABLE = {
  name: 'decidable',
  required: false,
  description: 'true: only what you may approve or reject now',
  schema: { type: 'boolean' },
} as const;

@ApiTags('reviews')
@Controller('v1/reviews')
export class ReviewsController {
  constructor(
    private readonly reviews: ReviewsService,
    private readonly answers: LargeAnswers,
  ) {}

  @ApiOperation({
    summary: 'List jobs that wait for a human, most urgent first: by priority, then by age',
    description: 'Whole jobs: a page ends before its limit where they come to more than 8 MiB together.',
  })
  @ApiPage(ReviewPage)
  @ApiQuery(DECIDABLE)
  @Allow('reviewer')
  @Get()
  async listReviews(
    @Query() query: QueryParameters,
    @CurrentCaller() caller: Caller,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    onlyParameters(query, ['limit', 'cursor', 'decidable']);
    const { bytes, next, read } = await this.reviews.waiting(caller, {
      after: cursorParameter(query, isReviewPosition),
      limit: limitParameter(query),
      decidableBy: flagParameter(query, 'decidable') ? await this.reviews.requireCaller(caller) : null,
    });
    await this.answers.send(reply, bytes, async (): Promise<ReviewPage> => {
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
      'By priority, then by age, of those that you may review and nobody has. No two reviewers get the same one; the claim ends by itself.',
  })
  @ApiOkResponse(REVIEW)
  @ApiNoContentResponse({ description: 'No job waits for you' })
  @ApiErrors('too_many_claims')
  @Allow('reviewer')
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
    description: 'With the answer that nobody has approved yet. The ETag is the revision.',
  })
  @ApiParam(JOB_ID)
  @ApiOkResponse(REVIEW)
  @ApiErrors('job_not_found')
  @Allow('reviewer')
  @Get(':id')
  async getReview(
    @Param('id') id: string,
    @CurrentCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OpenReviewDto> {
    return openReview(this.reviews, await this.reviews.get(caller, id), caller, reply);
  }

  @ApiOperation({
    summary: 'Claim a job, or renew your claim',
    description: 'Nobody else can decide on it until the claim ends.',
  })
  @ApiParam(JOB_ID)
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
  @Allow('reviewer')
  @Put(':id/claim')
  async claimReview(
    @Param('id') id: string,
    @CurrentCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OpenReviewDto> {
    return openReview(this.reviews, await this.reviews.claim(caller, id), caller, reply);
  }

  @ApiOperation({ summary: 'Release your claim on a job' })
  @ApiParam(JOB_ID)
  @ApiNoContentResponse({ description: 'You have no claim on it now' })
  @ApiErrors('job_not_found')
  @Allow('reviewer')
  @Delete(':id/claim')
  @HttpCode(204)
  async releaseReview(@Param('id') id: string, @CurrentCaller() caller: Caller): Promise<void> {
    await this.reviews.release(caller, id);
  }

  @ApiOperation({ summary: 'Leave a note on a job, for reviewers and auditors' })
  @ApiParam(JOB_ID)
  @ApiNoContentResponse()
  @ApiErrors('job_not_found')
  @Allow('reviewer')
  @Post(':id/notes')
  @HttpCode(204)
  async addNote(
    @Param('id') id: string,
    @Body() body: NoteDto,
    @CurrentCaller() caller: Caller,
  ): Promise<void> {
    await this.reviews.note(caller, id, { id: body.id?.toLowerCase() ?? uuidv7(), text: body.text });
  }
}

/** Whether a cursor of waiting jobs is one. */
export function isReviewPosition(value: unknown): value is ReviewPosition {
  return (
    isJsonObject(value) &&
    Number.isInteger(value.priority) &&
    Math.abs(Number(value.priority)) < 100 &&
    typeof value.id === 'string' &&
    isJobId(value.id)
  );
}
