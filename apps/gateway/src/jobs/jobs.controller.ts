import { Body, Controller, Get, Headers, HttpCode, Post, Query, Res } from '@nestjs/common';
import { ApiAcceptedResponse, ApiHeader, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { requireUsableSchema, type Job, type Caller } from '@hitl/domain';
import { Allow } from '@hitl/service';
import type { FastifyReply } from 'fastify';
import { CurrentCaller } from '../http/caller';
import { goneSignal } from '../http/gone';
import { orNull } from '../http/json-body';
import { IdempotencyKey, markReplayed, type Idempotency } from '../http/idempotency';
import { encodeCursor } from '../http/list-fields';
import { LargeResponses } from '../http/large-responses';
import { JobId } from '../http/path';
import { publicLink } from '../http/public-link';
import { EraseJob, etagOf, forSubmitter, JobDto, JobPage, ListJobs, SubmitJob } from './job.dto';
import { preferredWait } from '../waiting/prefer';
import { Holds } from '../waiting/holds.service';
import { WaitingRoom } from '../waiting/waiting-room.service';
import { deliveryDto, WebhookDeliveryList } from '../webhooks/webhook.dto';
import { WebhooksService } from '../webhooks/webhooks.service';
import { JobsService } from './jobs.service';
import { ApiErrors } from '../openapi/api-errors';
import { idempotencyKey, READ_HEADERS, SUBMITTED_HEADERS } from '../openapi/headers';

const PREFER = {
  name: 'Prefer',
  required: false,
  description:
    'wait=N holds the reply until the job has ended, N seconds at most (540); 202 when it has not.',
  schema: { type: 'string', example: 'wait=30' },
} as const;

@ApiTags('jobs')
@Controller('v1/jobs')
export class JobsController {
  constructor(
    private readonly jobs: JobsService,
    private readonly holds: Holds,
    private readonly waitingRoom: WaitingRoom,
    private readonly webhooks: WebhooksService,
    private readonly responses: LargeResponses,
  ) {}

  @ApiOperation({
    summary: 'Submit a request to the model',
    description: 'The job is durable before the reply is sent.',
  })
  @ApiOkResponse({
    type: JobDto,
    description: 'With Prefer: wait, the job has ended in time',
    headers: SUBMITTED_HEADERS,
  })
  @ApiAcceptedResponse({ type: JobDto, description: 'The job is stored', headers: SUBMITTED_HEADERS })
  @ApiHeader(PREFER)
  @ApiHeader(idempotencyKey('Submitting again under the same key returns the same job.'))
  @ApiErrors('idempotency_conflict', 'too_many_holds', 'too_many_jobs')
  @Allow('jobs:write')
  @Post()
  @HttpCode(202)
  async submitJob(
    @Body() body: SubmitJob,
    @CurrentCaller() caller: Caller,
    @IdempotencyKey() idempotency: Idempotency | null,
    @Headers('prefer') prefer: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JobDto> {
    const wait = preferredWait(prefer);
    if (wait !== null) this.holds.enter(reply);
    const { callback_url: url = null, response_schema: schema, ...submission } = body;
    const responseSchema = orNull(schema);
    const callbackUrl = this.webhooks.usableCallback(url);
    if (responseSchema !== null) await requireUsableSchema(responseSchema, caller.name);
    const { job, replayed } = await this.jobs.submit(
      { ...submission, callbackUrl, responseSchema, idempotency },
      caller,
    );
    markReplayed(reply, replayed);
    reply.header('location', publicLink(`/v1/jobs/${job.id}`));
    // The caller of this keeps it until there is a reply.
    Object.assign(body, { payload: null, response_schema: null });
    return this.respond(caller, job, wait, reply, 202);
  }

  @ApiOperation({
    summary: 'List jobs, newest first',
    description: 'Whole jobs: a page ends before its limit where they come to more than 8 MiB together.',
  })
  @ApiOkResponse({ type: JobPage })
  @Allow('jobs:read')
  @Get()
  async listJobs(
    @Query() { status, cursor, limit }: ListJobs,
    @CurrentCaller() caller: Caller,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { bytes, next, read } = await this.jobs.newest(caller, { status, before: cursor, limit });
    await this.responses.send(reply, bytes, async (): Promise<JobPage> => ({
      data: (await read()).map(forSubmitter),
      has_more: next !== null,
      next_cursor: next && encodeCursor(next),
    }));
  }

  @ApiOperation({
    summary: 'Read a job',
    description: 'The response is null until a human has approved it. The ETag is the revision.',
  })
  @ApiOkResponse({ type: JobDto, description: 'The job', headers: READ_HEADERS })
  @ApiAcceptedResponse({
    type: JobDto,
    description: 'With Prefer: wait, the job has not ended in time',
    headers: READ_HEADERS,
  })
  @ApiHeader(PREFER)
  @ApiErrors('job_not_found', 'too_many_holds')
  @Allow('jobs:read')
  @Get(':id')
  async getJob(
    @JobId() id: string,
    @CurrentCaller() caller: Caller,
    @Headers('prefer') prefer: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JobDto> {
    const wait = preferredWait(prefer);
    if (wait !== null) this.holds.enter(reply);
    return this.respond(caller, await this.jobs.get(caller, id), wait, reply, wait === null ? 200 : 202);
  }

  @ApiOperation({
    summary: 'Cancel a job that has not ended',
    description: 'It ends in fail, with the reason cancelled.',
  })
  @ApiOkResponse({ type: JobDto })
  @ApiErrors('job_not_found', 'already_final')
  @Allow('jobs:write')
  @Post(':id/cancel')
  @HttpCode(200)
  async cancelJob(@JobId() id: string, @CurrentCaller() caller: Caller): Promise<JobDto> {
    return forSubmitter(await this.jobs.cancel(caller, id));
  }

  @ApiOperation({
    summary: 'Erase what a job was about',
    description:
      'Its payload, its responses, drafts, and what people wrote, for good. The job stays, with who did what and when; its audit log can still be verified. Erasing again changes nothing.',
  })
  @ApiOkResponse({ type: JobDto, description: 'What is left of the job' })
  @ApiErrors('job_not_found', 'not_final')
  @Allow('jobs:erase')
  @Post(':id/erase')
  @HttpCode(200)
  async eraseJob(
    @JobId() id: string,
    @Body() { reason }: EraseJob,
    @CurrentCaller() caller: Caller,
  ): Promise<JobDto> {
    return forSubmitter(await this.jobs.erase(caller, id, reason));
  }

  @ApiOperation({
    summary: 'List the webhooks that were sent for a job, and the reply of each receiver, newest first',
    description: 'To its callback_url and to endpoints; nothing before the job has ended.',
  })
  @ApiOkResponse({ type: WebhookDeliveryList })
  @ApiErrors('job_not_found')
  @Allow('jobs:read')
  @Get(':id/deliveries')
  async listJobDeliveries(
    @JobId() id: string,
    @CurrentCaller() caller: Caller,
  ): Promise<WebhookDeliveryList> {
    const jobId = await this.jobs.idOf(caller, id);
    return { data: (await this.webhooks.deliveriesOf(caller, jobId)).map(deliveryDto) };
  }

  /** Returns a job once it has ended, or after `wait` seconds as it is by then, with the status `unfinished`. */
  private respond(
    caller: Caller,
    job: Job,
    wait: number | null,
    reply: FastifyReply,
    unfinished: 200 | 202,
  ): JobDto | Promise<JobDto> {
    // Nothing of the job is in memory while it waits.
    if (wait !== null) return this.ended(caller, job.id, wait, reply);
    reply.status(unfinished).header('etag', etagOf(job));
    return forSubmitter(job);
  }

  private async ended(caller: Caller, jobId: string, wait: number, reply: FastifyReply): Promise<JobDto> {
    reply.header('preference-applied', `wait=${wait}`).header('vary', 'prefer');
    reply.request.releaseBody();
    const until = performance.now() + wait * 1000;
    const ending = await this.waitingRoom.untilEnded(jobId, { until, gone: goneSignal(reply) });
    const job = typeof ending === 'object' ? ending.job : await this.jobs.get(caller, jobId);
    const hasEnded = job.status === 'success' || job.status === 'fail';
    reply.status(hasEnded ? 200 : 202).header('etag', etagOf(job));
    return forSubmitter(job);
  }
}
