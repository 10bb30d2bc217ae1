import { Body, Controller, Get, Headers, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiHeader, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { DomainError, isJobId, isJsonObject, type ReviewPosition } from '@hitl/domain';
import type { FastifyReply } from 'fastify';
import { Actor } from '../http/actor';
import {
  cursorParameter,
  encodeCursor,
  limitParameter,
  onlyParameters,
  quote,
  type Query as QueryParameters,
} from '../http/parameters';
import { etagOf, forReviewer, JobDto, JobPage, toPage } from '../jobs/job.dto';
import { ApiPage } from '../openapi/api-page';
import { DecisionDto, requireFittingFields } from './review.dto';
import { ReviewsService } from './reviews.service';

@ApiTags('reviews')
@Controller('v1/reviews')
export class ReviewsController {
  constructor(private readonly reviews: ReviewsService) {}

  @ApiOperation({ summary: 'List jobs that wait for a human, most urgent first: by priority, then by age' })
  @ApiPage()
  @Get()
  async listReviews(@Query() query: QueryParameters): Promise<JobPage> {
    onlyParameters(query, ['limit', 'cursor']);
    const limit = limitParameter(query);
    const jobs = await this.reviews.waiting({ after: cursorParameter(query, isPosition), limit: limit + 1 });
    return toPage(jobs, limit, forReviewer, ({ priority, id }) => encodeCursor({ priority, id }));
  }

  @ApiOperation({
    summary: 'Decide on the answer of a job',
    description: 'Takes effect once. The second of two decisions gets 409, which says who was first.',
  })
  @ApiParam({ name: 'id', format: 'uuid' })
  @ApiHeader({
    name: 'If-Match',
    required: false,
    description: "The job's ETag: the revision that is judged. 412 when it is no longer the current one.",
    schema: { type: 'string', example: '"1"' },
  })
  @ApiOkResponse({ type: JobDto })
  @Post(':id/decision')
  @HttpCode(200)
  async decideReview(
    @Param('id') jobId: string,
    @Headers('if-match') ifMatch: string | undefined,
    @Body() body: DecisionDto,
    @Actor() actor: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JobDto> {
    requireFittingFields(body);
    const job = await this.reviews.decide({
      jobId,
      verdict: body.verdict,
      actor,
      revision: revisionOf(ifMatch),
      response: body.response ?? null,
      payload: body.payload ?? null,
      feedback: body.feedback ?? null,
      reason: body.reason ?? null,
      reasonCode: null,
      submitterMessage: body.reason ?? null,
    });
    reply.header('etag', etagOf(job));
    return forReviewer(job);
  }
}

function isPosition(value: unknown): value is ReviewPosition {
  return (
    isJsonObject(value) &&
    Number.isInteger(value.priority) &&
    Math.abs(Number(value.priority)) < 100 &&
    typeof value.id === 'string' &&
    isJobId(value.id)
  );
}

/** The revision that an If-Match names; null for none and for `*`. */
function revisionOf(ifMatch: string | undefined): number | null {
  if (ifMatch === undefined || ifMatch.trim() === '*') return null;
  const revision = /^\s*"(\d{1,9})"\s*$/.exec(ifMatch)?.[1];
  if (revision === undefined) {
    const detail = `${quote(ifMatch)} is not an ETag of a job; send it as it was answered, such as "1"`;
    throw new DomainError('invalid_request', `If-Match: ${detail}.`, [{ pointer: 'If-Match', detail }]);
  }
  return Number(revision);
}
