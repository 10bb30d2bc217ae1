import { Body, Controller, Get, HttpCode, Logger, Post, Query, Res } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import {
  DomainError,
  isJsonObject,
  JsonText,
  jsonBytes,
  UNIONS,
  type ExactJob,
  type UnreadPage,
  type Verdict,
  type Caller,
} from '@hitl/domain';
import { Allow } from '@hitl/service';
import { quote } from '@hitl/shapes';
import type { FastifyReply } from 'fastify';
import { v7 as uuidv7 } from 'uuid';
import { CurrentCaller } from '../http/caller';
import { ErrorsAs } from '../http/error-form';
import { textOrNull } from '../http/json-body';
import { IdempotencyKey, markReplayed, type Idempotency } from '../http/idempotency';
import { LargeResponses } from '../http/large-responses';
import { sendFile } from '../http/send-file';
import { ANY_JSON } from '../http/fields';
import { JobsService } from '../jobs/jobs.service';
import { ReviewsService } from '../reviews/reviews.service';
import { ORIGINAL_FORM } from './original-error';
import { AskJob, AskJobs, Enqueued, OriginalJob, Reviewed, ReviewJob, toOriginal } from './original.dto';
import { ApiErrors } from '../openapi/api-errors';

/** What each status asked for on /reviewJob means as a verdict. */
const VERDICT_FOR = { success: 'approve', fail: 'reject', bot: 'regenerate' } as const satisfies Record<
  string,
  Verdict
>;

/** The HTTP interface of the original Rust system, route by route. */
@ApiTags('original')
@ErrorsAs(ORIGINAL_FORM)
@Controller()
export class OriginalApiController {
  private readonly logger = new Logger(OriginalApiController.name);

  constructor(
    private readonly jobs: JobsService,
    private readonly reviews: ReviewsService,
    private readonly responses: LargeResponses,
  ) {}

  @ApiOperation({
    summary: 'Submit a request; the whole body is the payload',
    description: 'Read as JSON whatever the content type says.',
  })
  @ApiBody({ schema: { ...ANY_JSON.ref, example: { input: 'What is 2 + 2?' } } })
  @ApiOkResponse({ type: Enqueued })
  @ApiErrors('idempotency_conflict', 'too_many_jobs')
  @Allow('jobs:write')
  @Post('enqueue')
  @HttpCode(200)
  async enqueue(
    @Body() payload: unknown,
    @CurrentCaller() caller: Caller,
    @IdempotencyKey() idempotency: Idempotency | null,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Enqueued> {
    const { job, replayed } = await this.jobs.submit({ payload: requireBody(payload), idempotency }, caller);
    markReplayed(reply, replayed);
    return { status: 'success', job_id: job.id };
  }

  @ApiOperation({ summary: 'Read one job' })
  @ApiOkResponse({ type: OriginalJob })
  @ApiErrors('job_not_found')
  @Allow('jobs:read')
  @Get('job')
  async job(@Query() { id }: AskJob, @CurrentCaller() caller: Caller): Promise<OriginalJob> {
    return toOriginal(await this.jobs.getExact(caller, id), caller);
  }

  @ApiOperation({ summary: 'List jobs, oldest first' })
  @ApiOkResponse({ type: [OriginalJob] })
  @Allow('jobs:read')
  @Get('jobs')
  async jobsOldestFirst(
    @Query() query: AskJobs,
    @CurrentCaller() caller: Caller,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const parts = await this.jobs.oldest(caller, query);
    const fault = await sendFile(reply, { type: 'application/json' }, this.toJsonList(parts, caller));
    if (fault)
      this.logger.warn({ requestId: reply.request.id, err: fault, message: 'a list of jobs was cut' });
  }

  @ApiOperation({
    summary: 'Review a job that waits for a human',
    description:
      '404 when no job with that id waits; with bot, one that the model has failed is tried again.',
  })
  @ApiBody({ type: ReviewJob })
  @ApiOkResponse({ type: Reviewed })
  @ApiErrors(
    'not_in_group',
    'own_submission',
    'job_not_found',
    'already_voted',
    'claimed',
    'too_many_regenerations',
    'schema_mismatch',
  )
  @Allow('reviews:write')
  @Post('reviewJob')
  @HttpCode(200)
  async reviewJob(@Body() body: unknown, @CurrentCaller() caller: Caller): Promise<Reviewed> {
    const review = readReview(body);
    const { id, status } = review;
    const [response, payload] = [textOrNull(review.response), textOrNull(review.payload)];
    try {
      if (status !== 'human') {
        const verdict = status === 'success' && response !== null ? 'edit' : VERDICT_FOR[status];
        await this.reviews.decide(caller, {
          id: uuidv7(),
          jobId: id,
          verdict,
          revision: null,
          response: verdict === 'regenerate' ? null : response,
          payload,
          feedback: null,
          reason: null,
          reasonCode: null,
          submitterMessage: null,
        });
      } else if (response !== null || payload !== null) {
        await this.reviews.edit(caller, { jobId: id, revision: null, response, payload });
      } else if ((await this.jobs.get(caller, id)).status !== 'human') {
        throw new DomainError('job_not_waiting', 'not in human');
      }
    } catch (error) {
      throw notWaiting(error, id);
    }
    return { status: 'success' };
  }

  @ApiOperation({ summary: 'Whether the process runs' })
  @ApiOkResponse({ content: { 'text/plain': { schema: { type: 'string', example: 'ok' } } } })
  @Allow('public')
  @Get('liveness')
  liveness(): string {
    return 'ok';
  }

  /** One list of all the jobs, of which one part at a time is in memory. */
  private async *toJsonList(parts: UnreadPage<ExactJob, never>[], caller: Caller): AsyncGenerator<Buffer> {
    let before = '[';
    for (const { bytes, read } of parts) {
      const text = await this.responses.inTurn(bytes, async () => {
        const jobs = await read();
        return Buffer.concat(
          jobs.flatMap((job) => {
            const separator = Buffer.from(before);
            before = ',';
            return [separator, jsonBytes(toOriginal(job, caller))];
          }),
        );
      });
      yield text;
    }
    yield Buffer.from(before === '[' ? '[]' : ']');
  }
}

function requireBody(body: unknown): JsonText {
  if (!(body instanceof JsonText)) throw new DomainError('invalid_json', 'The body is empty; send JSON.');
  return body;
}

/** Unknown fields are passed over, as they always were. */
function readReview(body: unknown): ReviewJob {
  if (body === undefined) throw new DomainError('invalid_json', 'The body is empty; send JSON.');
  if (!isJsonObject(body)) throw new DomainError('invalid_request', 'Send a JSON object with id and status.');
  const { id, status: given, response, payload } = body;
  if (typeof id !== 'string' || id === '') {
    throw new DomainError(
      'invalid_request',
      '"id" is missing or no text: say which job, such as {"id": "…", "status": "success"}.',
    );
  }
  const status = UNIONS.JobStatus.find(
    (candidate) => typeof given === 'string' && candidate === given.toLowerCase(),
  );
  if (!status) {
    throw new DomainError(
      'invalid_request',
      given === undefined
        ? `"status" is missing: say what becomes of the job, one of ${UNIONS.JobStatus.join(', ')}.`
        : `"status" is ${typeof given === 'string' ? quote(given) : JSON.stringify(given).slice(0, 64)}; it must be one of ${UNIONS.JobStatus.join(', ')}.`,
      [{ pointer: '/status', detail: `must be one of ${UNIONS.JobStatus.join(', ')}` }],
    );
  }
  return { id, status, response: response as JsonText | undefined, payload: payload as JsonText | undefined };
}

/** The original knows one refusal: nothing with this id waits for a human. */
function notWaiting(error: unknown, id: string): unknown {
  const refusals = ['job_not_found', 'job_not_waiting', 'already_decided', 'revision_mismatch'];
  if (!(error instanceof DomainError) || !refusals.includes(error.code)) return error;
  return new DomainError('job_not_found', `No job with the id ${quote(id)} is waiting for a human.`);
}
