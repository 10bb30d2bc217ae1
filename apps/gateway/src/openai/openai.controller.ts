import { Body, Controller, Get, HttpCode, Param, Post, Res } from '@nestjs/common';
import { ApiBody, ApiHeader, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { DomainError, type Json } from '@hitl/domain';
import type { FastifyReply } from 'fastify';
import { Actor } from '../http/actor';
import { EventStream } from '../http/event-stream';
import { IdempotencyKey, type Idempotency } from '../http/idempotency';
import { quote } from '../http/parameters';
import { JobsService } from '../jobs/jobs.service';
import { readChatRequest, toChatCompletion, toChunks } from './chat';
import { hasIdempotencyKey, HeldAnswers } from './held-answers.service';
import { ModelsService } from './models.service';
import { toOpenAiError } from './openai-error';
import { jobIdOf, readResponsesRequest, toResponse } from './responses';
import { failureOf, unfinished } from './withheld';
import { ApiErrors } from '../openapi/api-errors';
import { HELD_HEADERS, idempotencyKey } from '../openapi/headers';
import { schemaOf } from './openai.schemas';

const IDEMPOTENCY_KEY = idempotencyKey('A repeated call under the same key waits for the same job.');

/** Doors for OpenAI's SDKs: change the base URL, and a human signs off. */
@ApiTags('openai')
@Controller('v1')
export class OpenAiController {
  constructor(
    private readonly held: HeldAnswers,
    private readonly jobs: JobsService,
    private readonly models: ModelsService,
  ) {}

  @ApiOperation({
    summary: 'Create a chat completion, held until a human has approved it',
    description:
      'With "stream": true the stream carries comments until then, and the approved text after it. x-hitl-job-id names the job; x-hitl-edited: true says that a human changed the answer.',
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
  @ApiErrors(
    'idempotency_conflict',
    'too_many_jobs',
    'review_rejected',
    'job_cancelled',
    'job_expired',
    'review_pending',
    'inference_failed',
  )
  @Post('chat/completions')
  async createChatCompletion(
    @Body() body: unknown,
    @IdempotencyKey() idempotency: Idempotency | null,
    @Actor() actor: string,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { payload, metadata, stream, includeUsage } = readChatRequest(body);
    const job = await this.held.submit({ payload, metadata }, idempotency, actor, reply);
    if (stream) await this.streamChat(job.id, includeUsage, reply);
    else await reply.status(200).send(toChatCompletion(await this.held.approved(job.id, reply)));
  }

  @ApiOperation({
    summary: 'Create a response',
    description:
      'With "background": true it is answered at once and polled; otherwise held until a human has decided. queued: waits for the model. in_progress: waits for a human. incomplete with the reason content_filter: rejected.',
  })
  @ApiHeader(IDEMPOTENCY_KEY)
  @ApiBody({ schema: schemaOf('ResponseRequest') })
  @ApiOkResponse({ description: 'A response', headers: HELD_HEADERS, schema: schemaOf('ResponseObject') })
  @ApiErrors('idempotency_conflict', 'too_many_jobs', 'review_pending')
  @Post('responses')
  @HttpCode(200)
  async createResponse(
    @Body() body: unknown,
    @IdempotencyKey() idempotency: Idempotency | null,
    @Actor() actor: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Json> {
    const { payload, metadata, background } = readResponsesRequest(body);
    const job = await this.held.submit({ payload, metadata }, idempotency, actor, reply);
    return background ? toResponse(job, true) : toResponse(await this.held.ended(job.id, reply), false);
  }

  @ApiOperation({ summary: 'Read a response' })
  @ApiParam({ name: 'id', example: 'resp_019a9f3e-5c1c-7b8a-9d2e-3f4a5b6c7d8e' })
  @ApiOkResponse({ description: 'A response', headers: HELD_HEADERS, schema: schemaOf('ResponseObject') })
  @ApiErrors('job_not_found')
  @Get('responses/:id')
  async getResponse(@Param('id') id: string, @Res({ passthrough: true }) reply: FastifyReply): Promise<Json> {
    const job = await this.jobs.get(requireJobId(id));
    reply.header('x-hitl-job-id', job.id);
    if (job.status === 'success' && job.edited) reply.header('x-hitl-edited', 'true');
    return toResponse(job, true);
  }

  @ApiOperation({ summary: 'Cancel a response that has not ended' })
  @ApiParam({ name: 'id' })
  @ApiOkResponse({ description: 'A response', headers: HELD_HEADERS, schema: schemaOf('ResponseObject') })
  @ApiErrors('job_not_found', 'already_final')
  @Post('responses/:id/cancel')
  @HttpCode(200)
  async cancelResponse(
    @Param('id') id: string,
    @Actor() actor: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Json> {
    const job = await this.jobs.get(requireJobId(id));
    reply.header('x-hitl-job-id', job.id);
    if (job.failureReason === 'cancelled') return toResponse(job, true);
    return toResponse(await this.jobs.cancel(job.id, actor), true);
  }

  @ApiOperation({ summary: 'List the models that the configured providers offer' })
  @ApiOkResponse({ description: 'A list of models', schema: schemaOf('ModelList') })
  @Get('models')
  async listModels(): Promise<Json> {
    const models = await this.models.list();
    return { object: 'list', data: models.map((model) => ({ ...model, object: 'model', created: 0 })) };
  }

  /** Comments until the end, and then all of it at once: no token leaves before it is approved. */
  private async streamChat(jobId: string, includeUsage: boolean, reply: FastifyReply): Promise<void> {
    const stream = new EventStream(reply).open();
    stream.comment(`job ${jobId} waits for a human`);
    try {
      const ending = await this.held.wait(jobId, reply, () => {
        stream.comment('still waiting for a human');
      });
      if (typeof ending !== 'object' || ending.job.status !== 'success') {
        const error =
          typeof ending === 'object'
            ? failureOf(ending.job)
            : unfinished(ending, jobId, hasIdempotencyKey(reply));
        stream.send({ data: JSON.stringify(toOpenAiError(error)) });
        return;
      }
      if (ending.job.edited) stream.comment('x-hitl-edited: true');
      for (const chunk of toChunks(toChatCompletion(ending.job), includeUsage)) {
        stream.send({ data: JSON.stringify(chunk) });
      }
      stream.send({ data: '[DONE]' });
    } finally {
      stream.end();
    }
  }
}

function requireJobId(responseId: string): string {
  const jobId = jobIdOf(responseId);
  if (jobId === null) throw new DomainError('job_not_found', `There is no response ${quote(responseId)}.`);
  return jobId;
}
