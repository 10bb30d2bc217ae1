import { Body, Controller, Delete, Headers, HttpCode, Post, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { DomainError, type Caller } from '@hitl/domain';
import { Allow, toProblem } from '@hitl/service';
import { quote } from '@hitl/shapes';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CurrentCaller } from '../http/caller';
import { toDomainError } from '../http/errors.filter';
import { JobId, PathNumber } from '../http/path';
import { ApiErrors } from '../openapi/api-errors';
import {
  BulkDecisions,
  type BulkResult,
  BulkResults,
  requireDistinctIds,
  toDecided,
} from './bulk-decisions.dto';
import { DecisionDto, toRequest } from './decision.dto';
import { inTurns } from './in-turns';
import { openReview, REVIEW } from './open-review';
import type { OpenReviewDto } from './review.dto';
import { ReviewsService } from './reviews.service';

/** Decisions of one request that are made at once where some edit: each edit is checked and compared, which takes time. */
const EDITS_AT_ONCE = 4;

@ApiTags('reviews')
@Controller('v1/reviews')
export class ReviewDecisionsController {
  constructor(private readonly reviews: ReviewsService) {}

  @ApiOperation({
    summary: 'Decide on many responses',
    description:
      'Each decision takes effect or is refused on its own, as if it came alone. But one that is malformed, or has the id of another one, refuses the whole request with 400, and none takes effect.',
  })
  @ApiOkResponse({ type: BulkResults })
  @Allow('reviews:write')
  @Post('decisions')
  @HttpCode(200)
  async decideReviews(
    @Body() { decisions }: BulkDecisions,
    @CurrentCaller() caller: Caller,
    @Req() request: FastifyRequest,
  ): Promise<BulkResults> {
    requireDistinctIds(decisions);
    const requests = decisions.map((decision, index) =>
      toRequest(decision.job_id.toLowerCase(), decision.revision, decision, `/decisions/${index}`),
    );
    const hasEdits = requests.some(({ response }) => response !== null);
    const atOnce = hasEdits ? EDITS_AT_ONCE : requests.length;
    const results = await inTurns(requests, atOnce, async (decision): Promise<BulkResult> => {
      const { jobId: job_id } = decision;
      try {
        return {
          job_id,
          job: toDecided(await this.reviews.decideOneOfMany(caller, decision)),
          problem: null,
        };
      } catch (error) {
        return { job_id, job: null, problem: toProblem(toDomainError(error), request.id) };
      }
    });
    return { results };
  }

  @ApiOperation({
    summary: 'Decide on the response of a job',
    description:
      'Takes effect once. The second of two decisions gets 409, which says who was first. Where several people must agree, the job goes on waiting until they do; where decisions can be undone, until that time is over.',
  })
  @ApiHeader({
    name: 'If-Match',
    required: true,
    description:
      "The job's ETag: the revision that is judged. 428 without it, 412 when it is no longer the current one.",
    schema: { type: 'string', pattern: '^(W/)?"[0-9]{1,9}"$', example: '"1"' },
  })
  @ApiOkResponse(REVIEW)
  @ApiErrors(
    'not_in_group',
    'own_submission',
    'job_not_found',
    'job_not_waiting',
    'already_decided',
    'already_voted',
    'claimed',
    'content_erased',
    'too_many_regenerations',
    'revision_mismatch',
    'idempotency_conflict',
    'schema_mismatch',
    'precondition_required',
  )
  @Allow('reviews:write')
  @Post(':id/decision')
  @HttpCode(200)
  async decideReview(
    @JobId() jobId: string,
    @Headers('if-match') ifMatch: string | undefined,
    @Body() body: DecisionDto,
    @CurrentCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OpenReviewDto> {
    const current = await this.reviews.current(caller, jobId);
    const request = toRequest(current.id, revisionOf(ifMatch, current.revision), body);
    await this.reviews.decide(caller, request, current);
    return openReview(this.reviews, await this.reviews.get(caller, current.id), caller, reply);
  }

  @ApiOperation({
    summary: 'Undo your decision on a job',
    description: 'Until it takes effect (undo_ms, DECISION_UNDO_MS); nothing has been delivered before.',
  })
  @ApiOkResponse(REVIEW)
  @ApiErrors('job_not_found', 'nothing_to_undo')
  @Allow('reviews:write')
  @Delete(':id/decision')
  async undoDecision(
    @JobId() id: string,
    @CurrentCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OpenReviewDto> {
    return openReview(this.reviews, await this.reviews.undo(caller, id), caller, reply);
  }

  @ApiOperation({
    summary: 'Make an earlier response the current one',
    description:
      'Any that the job had: see its history. It becomes a new revision, to be judged as any other. Of a job that was sent back to the model it ends the wait for another response. The one that waits already is left as it is.',
  })
  @ApiHeader({
    name: 'If-Match',
    required: true,
    description:
      "The job's ETag: the current revision. 428 without it, 412 when it is no longer the current one.",
    schema: { type: 'string', pattern: '^(W/)?"[0-9]{1,9}"$', example: '"2"' },
  })
  @ApiOkResponse(REVIEW)
  @ApiErrors(
    'not_in_group',
    'own_submission',
    'job_not_found',
    'revision_not_found',
    'job_not_waiting',
    'already_decided',
    'claimed',
    'content_erased',
    'revision_mismatch',
    'precondition_required',
  )
  @Allow('reviews:write')
  @Post(':id/revisions/:revision/restore')
  @HttpCode(200)
  async restoreRevision(
    @JobId() jobId: string,
    @PathNumber('revision', 999_999_999) restore: number,
    @Headers('if-match') ifMatch: string | undefined,
    @CurrentCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OpenReviewDto> {
    const current = await this.reviews.current(caller, jobId);
    const revision = revisionOf(ifMatch, current.revision);
    return openReview(
      this.reviews,
      await this.reviews.restore(caller, { jobId: current.id, revision, restore }, current),
      caller,
      reply,
    );
  }
}

/**
 * The revision that an If-Match names. A proxy that compresses replies makes their ETags weak, or adds the encoding.
 * @throws DomainError precondition_required without one; `*` names none
 */
function revisionOf(ifMatch: string | undefined, current: number): number {
  if (ifMatch === undefined || ifMatch.trim() === '*') {
    throw new DomainError(
      'precondition_required',
      `Say which revision was judged: If-Match with the ETag of the response, such as "${current}". Nothing was decided.`,
      [],
      { revision: current },
    );
  }
  const revision = /^\s*(?:W\/)?"(\d{1,9})(?:--?(?:gzip|br|deflate|zstd))?"\s*$/.exec(ifMatch)?.[1];
  if (revision === undefined) {
    const detail = `${quote(ifMatch)} is not an ETag of a job; send it as it was returned, such as "1"`;
    throw new DomainError('invalid_request', `If-Match: ${detail}.`, [{ pointer: 'If-Match', detail }]);
  }
  return Number(revision);
}
