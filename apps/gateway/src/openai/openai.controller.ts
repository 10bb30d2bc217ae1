import { Controller, Get, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import {
  ApiBody,
  ApiExcludeEndpoint,
  ApiHeader,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import { DomainError, type Job, type Json, type JsonText, type Caller } from '@hitl/domain';
import { Allow } from '@hitl/service';
import { quote } from '@hitl/shapes';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CurrentCaller } from '../http/caller';
import { ErrorsAs } from '../http/error-form';
import { toDomainError } from '../http/errors.filter';
import { EventStream } from '../http/event-stream';
import { IdempotencyKey, type Idempotency } from '../http/idempotency';
import { JobsService } from '../jobs/jobs.service';
import type { JsonObject } from './chat';
import { HeldResponses, type JobForm, type Held } from './held-responses.service';
import { ModelsService, type OfferedModel } from './models.service';
import { OPENAI_FORM, toOpenAiError } from './openai-error';
import {
  chatResponseOf,
  chatFramesOf,
  readChat,
  readReferences,
  readResponses,
  responseOf,
} from './large-jobs';
import { jobIdOf } from './responses';
import type { ResponsesRequest } from './responses-request';
import { failureOf, isReleased, requireContents } from './withheld';
import { toBeatChunk, toWithheldCompletion, toWithheldResponse } from './withheld-responses';
import { ApiErrors } from '../openapi/api-errors';
import { HELD_HEADERS, idempotencyKey } from '../openapi/headers';
import { schemaOf } from './openai.schemas';

/** How a held request ends that brings no response. */
const WITHHELD = [
  'answer_rejected',
  'content_erased',
  'inference_failed',
  'job_cancelled',
  'job_not_found',
  'review_expired',
  'review_pending',
] as const;
const IDEMPOTENCY_KEY = idempotencyKey('A repeated call under the same key waits for the same job.');
const CHAT: JobForm = { response: chatResponseOf, withheld: toWithheldCompletion };
const RESPONSES: JobForm = { response: responseOf, withheld: toWithheldResponse };

/** The API for OpenAI's SDKs: change the base URL, and a human signs off. */
@ApiTags('openai')
@ErrorsAs(OPENAI_FORM)
@Controller('v1')
export class OpenAiController {
  constructor(
    private readonly held: HeldResponses,
    private readonly jobs: JobsService,
    private readonly models: ModelsService,
  ) {}

  @ApiOperation({
    summary: 'Create a chat completion, held until a human has approved it',
    description:
      'With "stream": true the stream carries empty chunks until then, and the approved text after it. Otherwise the answer may begin with white space, and is then a refusal where it is withheld. An identical request gets the same job when its client has gone. x-hitl-job-id names the job; x-hitl-edited: true says that a human changed the answer.',
  })
  @ApiHeader(IDEMPOTENCY_KEY)
  @ApiBody({ schema: schemaOf('ChatCompletionRequest') })
  @ApiOkResponse({
    description: 'What a human approved: whole, or with "stream": true as server-sent events',
    headers: HELD_HEADERS,
    content: {
      'application/json': { schema: schemaOf('ChatCompletion') },
      'text/event-stream': { schema: schemaOf('ChatCompletionChunk') },
    },
  })
  @ApiErrors('idempotency_conflict', 'too_many_holds', 'too_many_jobs', ...WITHHELD)
  @Allow('jobs:write')
  @Post('chat/completions')
  createChatCompletion(
    @Req() request: FastifyRequest,
    @IdempotencyKey() idempotency: Idempotency | null,
    @CurrentCaller() caller: Caller,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    // Not awaited here, nor taken by @Body: the body would be in memory for as long as the request is held.
    return readChat(request.body, caller.name)
      .then(async ({ stream, includeUsage, ...submission }) => ({
        ...{ stream, includeUsage },
        held: (await this.held.submit(submission, idempotency, caller, reply)).held,
      }))
      .then(({ held, stream, includeUsage }) =>
        stream ? this.streamChat(held, includeUsage) : this.held.respond(held, CHAT),
      );
  }

  @ApiOperation({
    summary: 'Create a response',
    description:
      'With "background": true it is answered at once and polled; otherwise held until a human has approved it. queued: waits for the model. in_progress: waits for a human. incomplete: rejected, with the reviewer\'s words in error, or an answer that was cut or filtered.',
  })
  @ApiHeader(IDEMPOTENCY_KEY)
  @ApiBody({ schema: schemaOf('ResponseRequest') })
  @ApiOkResponse({ description: 'A response', headers: HELD_HEADERS, schema: schemaOf('ResponseObject') })
  @ApiErrors('idempotency_conflict', 'too_many_holds', 'too_many_jobs', ...WITHHELD)
  @Allow('jobs:write')
  @Post('responses')
  @HttpCode(200)
  createResponse(
    @Req() request: FastifyRequest,
    @IdempotencyKey() idempotency: Idempotency | null,
    @CurrentCaller() caller: Caller,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    // As above.
    return this.readResponse(request, caller)
      .then(async ({ background, ...submission }) => {
        const { held, job } = await this.held.submit(submission, idempotency, caller, reply, !background);
        return { held, job: background ? job : null };
      })
      .then(async ({ held, job }) => {
        if (job === null) return this.held.respond(held, RESPONSES);
        const response = await responseOf(job);
        held.hasItsEnd = true;
        await reply.status(200).send(response);
      });
  }

  @ApiOperation({ summary: 'Read a response' })
  @ApiParam({ name: 'id', example: 'resp_019a9f3e-5c1c-7b8a-9d2e-3f4a5b6c7d8e' })
  @ApiOkResponse({ description: 'A response', headers: HELD_HEADERS, schema: schemaOf('ResponseObject') })
  @ApiErrors('job_not_found', 'content_erased')
  @Allow('jobs:read')
  @Get('responses/:id')
  async getResponse(
    @Param('id') id: string,
    @CurrentCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Json | JsonText> {
    const job = requireContents(await this.jobs.get(caller, requireJobId(id)));
    reply.header('x-hitl-job-id', job.id);
    if (job.status === 'success' && job.edited) reply.header('x-hitl-edited', 'true');
    return responseOf(job);
  }

  @ApiOperation({ summary: 'Cancel a response that has not ended' })
  @ApiParam({ name: 'id' })
  @ApiOkResponse({ description: 'A response', headers: HELD_HEADERS, schema: schemaOf('ResponseObject') })
  @ApiErrors('job_not_found', 'already_final', 'content_erased')
  @Allow('jobs:write')
  @Post('responses/:id/cancel')
  @HttpCode(200)
  async cancelResponse(
    @Param('id') id: string,
    @CurrentCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Json | JsonText> {
    const job = requireContents(await this.jobs.get(caller, requireJobId(id)));
    reply.header('x-hitl-job-id', job.id);
    if (job.failureReason === 'cancelled') return responseOf(job);
    return responseOf(await this.jobs.cancel(caller, job.id));
  }

  @ApiOperation({ summary: 'List the models that the configured providers offer' })
  @ApiOkResponse({ description: 'A list of models', schema: schemaOf('ModelList') })
  @Allow('jobs:read')
  @Get('models')
  async listModels(): Promise<Json> {
    const models = await this.models.list();
    return { object: 'list', data: models.map(toModel) };
  }

  @ApiOperation({ summary: 'Read a model that the list names' })
  @ApiParam({ name: 'id', description: 'It may have slashes in it.', example: 'meta-llama/Llama-3.3-70B' })
  @ApiOkResponse({ description: 'A model', schema: schemaOf('Model') })
  @ApiErrors('model_not_found')
  @Allow('jobs:read')
  @Get('models/:id')
  getModel(@Req() request: FastifyRequest): Promise<Json> {
    return this.readModel(request);
  }

  @ApiExcludeEndpoint()
  @Allow('jobs:read')
  @Get('models/*')
  getModelWithSlashes(@Req() request: FastifyRequest): Promise<Json> {
    return this.readModel(request);
  }

  private async readModel(request: FastifyRequest): Promise<Json> {
    const id = modelIdIn(request.url);
    const model = (await this.models.list()).find((offered) => offered.id === id);
    if (model) return toModel(model);
    throw new DomainError(
      'model_not_found',
      `The model ${quote(id)} is not offered here. See GET /v1/models.`,
      [{ pointer: 'model', detail: 'is not offered here' }],
    );
  }

  private async readResponse(request: FastifyRequest, caller: Caller): Promise<ResponsesRequest> {
    const jobs = new Map<string, Job | null>();
    for (const id of await readReferences(request.body, caller.name)) {
      const jobId = jobIdOf(id);
      if (jobId !== null && !jobs.has(jobId)) {
        jobs.set(jobId, requireContents(await this.jobs.find(caller, jobId)));
      }
    }
    return readResponses(
      request.body,
      [...jobs.values()].filter((job) => job !== null),
      caller.name,
    );
  }

  /** Empty chunks until the end, and then all of it at once: no token leaves before it is approved. */
  private async streamChat(held: Held, includeUsage: boolean): Promise<void> {
    const { job, reply } = held;
    const stream = new EventStream(reply).open();
    stream.comment(`job ${job.id} waits for a human`);
    let beats = 0;
    try {
      const ending = await this.held.wait(held, () => {
        beats += 1;
        stream.send({ data: JSON.stringify(toBeatChunk(job, beats === 1, includeUsage)) });
      });
      if (typeof ending !== 'object' || !isReleased(ending.job)) {
        held.hasItsEnd = typeof ending === 'object';
        const error =
          typeof ending === 'object' ? failureOf(ending.job) : await this.held.unfinished(held, ending);
        stream.send({ data: JSON.stringify(toOpenAiError(error)) });
        return;
      }
      const frames = await chatFramesOf(ending.job, { includeUsage, hasBegun: beats > 0 });
      held.hasItsEnd = true;
      if (ending.job.edited) stream.comment('x-hitl-edited: true');
      for (const frame of frames) {
        stream.sendFrames(frame);
        await stream.drained();
      }
      stream.send({ data: '[DONE]' });
    } catch (error) {
      // Without it the stream would end as an empty answer does.
      stream.send({ data: JSON.stringify(toOpenAiError(toDomainError(error))) });
      if (!(error instanceof DomainError)) throw error;
    } finally {
      stream.end();
    }
  }
}

function toModel(model: OfferedModel): JsonObject {
  return { ...model, object: 'model', created: 0 };
}

/** What follows /v1/models/: names of models have slashes, plain or encoded. */
function modelIdIn(url: string): string {
  const path = url.split('?', 1)[0] ?? '';
  const id = path.slice(path.indexOf('/models/') + '/models/'.length);
  try {
    return decodeURIComponent(id);
  } catch {
    return id;
  }
}

function requireJobId(responseId: string): string {
  const jobId = jobIdOf(responseId);
  if (jobId === null) throw new DomainError('job_not_found', `There is no response ${quote(responseId)}.`);
  return jobId;
}
