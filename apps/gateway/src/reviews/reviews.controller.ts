import {
  Body,
  Controller,
  Delete,
  Get,
  Headers,
  HttpCode,
  Param,
  Post,
  Put,
  Query,
  Req,
  Res,
} from '@nestjs/common';
import {
  ApiHeader,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiQuery,
  ApiTags,
} from '@nestjs/swagger';
import { DomainError, isJobId, isJsonObject, type Job, type ReviewPosition } from '@hitl/domain';
import { toProblem } from '@hitl/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { v7 as uuidv7 } from 'uuid';
import { Actor } from '../http/actor';
import { toDomainError } from '../http/errors.filter';
import {
  cursorParameter,
  encodeCursor,
  flagParameter,
  limitParameter,
  onlyParameters,
  quote,
  type Query as QueryParameters,
} from '../http/parameters';
import { etagOf } from '../jobs/job.dto';
import { ApiPage } from '../openapi/api-page';
import {
  BulkDecisions,
  type BulkResult,
  BulkResults,
  requireDistinctIds,
  toDecided,
} from './bulk-decisions.dto';
import { DecisionDto, toRequest } from './decision.dto';
import { DraftDto, SaveDraft, toDraft } from './draft.dto';
import { inTurns } from './in-turns';
import { NoteDto } from './note.dto';
import { toRemarks } from './remarks.dto';
import { OpenReviewDto, ReviewPage, toReview } from './review.dto';
import { ReviewsService } from './reviews.service';
import { ApiErrors } from '../openapi/api-errors';
import { DECIDE_LINK, JOB_HEADERS } from '../openapi/headers';

/** Decisions of one request that are made at once where some edit: each edit is checked and compared, which takes time. */
const EDITS_AT_ONCE = 4;

/** The list's filter for what the reviewer who asks may decide on. */
export const DECIDABLE = {
  name: 'decidable',
  required: false,
  description: 'true: only what you may approve or reject now',
  schema: { type: 'boolean' },
} as const;

const REVIEW = {
  type: OpenReviewDto,
  description: 'The job as you see it',
  headers: JOB_HEADERS,
  links: DECIDE_LINK,
} as const;
const JOB_ID = { name: 'id', format: 'uuid' } as const;

@ApiTags('reviews')
@Controller('v1/reviews')
export class ReviewsController {
  constructor(private readonly reviews: ReviewsService) {}

  @ApiOperation({
    summary: 'List jobs that wait for a human, most urgent first: by priority, then by age',
    description: 'Whole jobs: a page ends before its limit where they come to more than 32 MiB together.',
  })
  @ApiPage(ReviewPage)
  @ApiQuery(DECIDABLE)
  @Get()
  async listReviews(@Query() query: QueryParameters, @Actor() actor: string): Promise<ReviewPage> {
    onlyParameters(query, ['limit', 'cursor', 'decidable']);
    const { jobs, next } = await this.reviews.waiting({
      after: cursorParameter(query, isReviewPosition),
      limit: limitParameter(query),
      decidableBy: flagParameter(query, 'decidable') ? await this.reviews.requireCaller(actor) : null,
    });
    const obstacleOf = await this.reviews.obstacles(jobs, actor);
    return {
      data: jobs.map((job) => toReview(job, obstacleOf(job))),
      has_more: next !== null,
      next_cursor: next && encodeCursor(next),
    };
  }

  @ApiOperation({
    summary: 'Claim the most urgent job',
    description:
      'By priority, then by age, of those that you may review and nobody has. No two reviewers get the same one; the claim ends by itself.',
  })
  @ApiOkResponse(REVIEW)
  @ApiNoContentResponse({ description: 'No job waits for you' })
  @ApiErrors('too_many_claims')
  @Post('claim-next')
  @HttpCode(200)
  async claimNextReview(
    @Actor() actor: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OpenReviewDto | undefined> {
    const job = await this.reviews.claimNext(actor);
    if (!job) {
      reply.status(204);
      return undefined;
    }
    return this.answer(job, actor, reply);
  }

  @ApiOperation({
    summary: 'Decide on many answers',
    description:
      'Each decision takes effect or is refused by itself, as if it came alone. But one that is malformed, or has the id of another one, refuses the whole request with 400, and none takes effect.',
  })
  @ApiOkResponse({ type: BulkResults })
  @Post('decisions')
  @HttpCode(200)
  async decideReviews(
    @Body() { decisions }: BulkDecisions,
    @Actor() actor: string,
    @Req() request: FastifyRequest,
  ): Promise<BulkResults> {
    requireDistinctIds(decisions);
    const requests = decisions.map((decision, index) =>
      toRequest(decision.job_id.toLowerCase(), decision.revision, decision, actor, `/decisions/${index}`),
    );
    const hasEdits = requests.some(({ response }) => response !== null);
    const atOnce = hasEdits ? EDITS_AT_ONCE : requests.length;
    const results = await inTurns(requests, atOnce, async (decision): Promise<BulkResult> => {
      const { jobId: job_id } = decision;
      try {
        return { job_id, job: toDecided(await this.reviews.decideOneOfMany(decision)), problem: null };
      } catch (error) {
        return { job_id, job: null, problem: toProblem(toDomainError(error), request.id) };
      }
    });
    return { results };
  }

  @ApiOperation({
    summary: 'Read a job as its reviewer',
    description: 'With the answer that nobody has approved yet. The ETag is the revision.',
  })
  @ApiParam(JOB_ID)
  @ApiOkResponse(REVIEW)
  @ApiErrors('job_not_found')
  @Get(':id')
  async getReview(
    @Param('id') id: string,
    @Actor() actor: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OpenReviewDto> {
    return this.answer(await this.reviews.get(id), actor, reply);
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
  @Put(':id/claim')
  async claimReview(
    @Param('id') id: string,
    @Actor() actor: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OpenReviewDto> {
    return this.answer(await this.reviews.claim(id, actor), actor, reply);
  }

  @ApiOperation({ summary: 'Release your claim on a job' })
  @ApiParam(JOB_ID)
  @ApiNoContentResponse({ description: 'You have no claim on it now' })
  @ApiErrors('job_not_found')
  @Delete(':id/claim')
  @HttpCode(204)
  async releaseReview(@Param('id') id: string, @Actor() actor: string): Promise<void> {
    await this.reviews.release(id, actor);
  }

  @ApiOperation({
    summary: 'Decide on the answer of a job',
    description:
      'Takes effect once. The second of two decisions gets 409, which says who was first. Where several people must agree, the job goes on waiting until they do; where decisions can be undone, until that time is over.',
  })
  @ApiParam(JOB_ID)
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
    'too_many_regenerations',
    'revision_mismatch',
    'idempotency_conflict',
    'schema_mismatch',
    'precondition_required',
  )
  @Post(':id/decision')
  @HttpCode(200)
  async decideReview(
    @Param('id') jobId: string,
    @Headers('if-match') ifMatch: string | undefined,
    @Body() body: DecisionDto,
    @Actor() actor: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OpenReviewDto> {
    const { id, revision } = await this.reviews.get(jobId);
    const request = toRequest(id, revisionOf(ifMatch, revision), body, actor);
    return this.answer(await this.reviews.decide(request), actor, reply);
  }

  @ApiOperation({
    summary: 'Undo your decision on a job',
    description: 'Until it takes effect (undo_ms, DECISION_UNDO_MS); nothing has been delivered before.',
  })
  @ApiParam(JOB_ID)
  @ApiOkResponse(REVIEW)
  @ApiErrors('job_not_found', 'nothing_to_undo')
  @Delete(':id/decision')
  async undoDecision(
    @Param('id') id: string,
    @Actor() actor: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OpenReviewDto> {
    return this.answer(await this.reviews.undo(id, actor), actor, reply);
  }

  @ApiOperation({
    summary: 'Make an earlier answer the current one',
    description:
      'Any that the job had: see its history. It becomes a new revision, to be judged as any other. Of a job that was sent back to the model it ends the wait for another answer. The one that waits already is left as it is.',
  })
  @ApiParam(JOB_ID)
  @ApiParam({ name: 'revision', schema: { type: 'integer', minimum: 1, maximum: 999_999_999 } })
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
    'revision_mismatch',
    'precondition_required',
  )
  @Post(':id/revisions/:revision/restore')
  @HttpCode(200)
  async restoreRevision(
    @Param('id') jobId: string,
    @Param('revision') wanted: string,
    @Headers('if-match') ifMatch: string | undefined,
    @Actor() actor: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OpenReviewDto> {
    const { id, revision: current } = await this.reviews.get(jobId);
    const revision = revisionOf(ifMatch, current);
    const restore = Number(/^[1-9]\d{0,8}$/.exec(wanted)?.[0]);
    if (Number.isNaN(restore)) {
      const detail = `${quote(wanted)} is no revision; send a number from 1 to ${current}`;
      throw new DomainError('invalid_request', `revision: ${detail}.`, [{ pointer: 'revision', detail }]);
    }
    return this.answer(await this.reviews.restore({ jobId: id, actor, revision, restore }), actor, reply);
  }

  @ApiOperation({ summary: 'Leave a note on a job, for reviewers and auditors' })
  @ApiParam(JOB_ID)
  @ApiNoContentResponse()
  @ApiErrors('job_not_found')
  @Post(':id/notes')
  @HttpCode(204)
  async addNote(@Param('id') id: string, @Body() body: NoteDto, @Actor() actor: string): Promise<void> {
    await this.reviews.note(id, actor, { id: body.id?.toLowerCase() ?? uuidv7(), text: body.text });
  }

  @ApiOperation({ summary: 'Read your draft for a job' })
  @ApiParam(JOB_ID)
  @ApiOkResponse({ type: DraftDto })
  @ApiErrors('job_not_found', 'draft_not_found')
  @Get(':id/draft')
  async getDraft(@Param('id') id: string, @Actor() actor: string): Promise<DraftDto> {
    return toDraft(await this.reviews.draft(id, actor));
  }

  @ApiOperation({
    summary: 'Save your draft for a job',
    description:
      'Instead of an earlier one. It is yours alone, and gone once your decision has taken effect or the job has ended.',
  })
  @ApiParam(JOB_ID)
  @ApiOkResponse({ type: DraftDto })
  @ApiErrors('job_not_found', 'job_not_waiting')
  @Put(':id/draft')
  async saveDraft(
    @Param('id') id: string,
    @Body() body: SaveDraft,
    @Actor() actor: string,
  ): Promise<DraftDto> {
    return toDraft(await this.reviews.saveDraft(id, actor, body));
  }

  @ApiOperation({ summary: 'Throw your draft for a job away' })
  @ApiParam(JOB_ID)
  @ApiNoContentResponse({ description: 'You have no draft for it now' })
  @ApiErrors('job_not_found')
  @Delete(':id/draft')
  @HttpCode(204)
  async deleteDraft(@Param('id') id: string, @Actor() actor: string): Promise<void> {
    await this.reviews.deleteDraft(id, actor);
  }

  private async answer(job: Job, actor: string, reply: FastifyReply): Promise<OpenReviewDto> {
    const [savedAt, obstacleOf, remarks] = await Promise.all([
      this.reviews.draftSavedAt(job, actor),
      this.reviews.obstacles([job], actor),
      this.reviews.remarks(job),
    ]);
    reply.header('etag', etagOf(job));
    return Object.assign(toReview(job, obstacleOf(job)), {
      draft_saved_at: savedAt?.toISOString() ?? null,
      remarks: toRemarks(remarks),
    });
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

/**
 * The revision that an If-Match names. A proxy that compresses answers makes their ETags weak, or adds the encoding.
 * @throws DomainError precondition_required without one; `*` names none
 */
function revisionOf(ifMatch: string | undefined, current: number): number {
  if (ifMatch === undefined || ifMatch.trim() === '*') {
    throw new DomainError(
      'precondition_required',
      `Say which revision was judged: If-Match with the ETag of the answer, such as "${current}". Nothing was decided.`,
      [],
      { revision: current },
    );
  }
  const revision = /^\s*(?:W\/)?"(\d{1,9})(?:--?(?:gzip|br|deflate|zstd))?"\s*$/.exec(ifMatch)?.[1];
  if (revision === undefined) {
    const detail = `${quote(ifMatch)} is not an ETag of a job; send it as it was answered, such as "1"`;
    throw new DomainError('invalid_request', `If-Match: ${detail}.`, [{ pointer: 'If-Match', detail }]);
  }
  return Number(revision);
}
