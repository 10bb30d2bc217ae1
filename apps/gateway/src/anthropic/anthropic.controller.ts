import { Controller, Post, Req, Res } from '@nestjs/common';
import { ApiBody, ApiHeader, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { DomainError, type Caller } from '@hitl/domain';
import { Allow } from '@hitl/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CurrentCaller } from '../http/caller';
import { ErrorsAs } from '../http/error-form';
import { EventStream } from '../http/event-stream';
import { IdempotencyKey, type Idempotency } from '../http/idempotency';
import { HeldResponses, type Held, type JobForm } from '../openai/held-responses.service';
import { readChat } from '../openai/large-jobs';
import { failureOf, isReleased } from '../openai/withheld';
import { ApiErrors } from '../openapi/api-errors';
import { HELD_HEADERS, idempotencyKey } from '../openapi/headers';
import { ANTHROPIC_FORM } from './anthropic-error';
import { schemaOf } from './anthropic.schemas';
import { framesOf, messageOf } from './large-messages';
import { errorFrame, framesOfMessage, PING } from './message-events';
import { anthropicHeadersOf, toRefusal, toRejection } from './messages';

const MESSAGES: JobForm = {
  response: messageOf,
  rejected: toRejection,
  withheld: (error, job) => toRefusal(job, error.message),
};

/** The door for Anthropic's SDKs: change the base URL, and a human signs off. */
@ApiTags('anthropic')
@ErrorsAs(ANTHROPIC_FORM)
@Controller('v1')
export class AnthropicController {
  constructor(private readonly held: HeldResponses) {}

  @ApiOperation({
    summary: 'Create a message, held until a human has approved it',
    description:
      'The request goes to the provider byte for byte, without "stream". With "stream": true the stream carries pings until a human has decided, and the events of the approved message after it. A rejection is a message whose stop_reason is "refusal" and whose text is what the reviewer wrote. An identical request gets the same job when its client has gone. x-hitl-job-id names the job; x-hitl-edited: true says that a human changed the message.',
  })
  @ApiHeader(idempotencyKey('A repeated call under the same key waits for the same job.'))
  @ApiHeader({
    name: 'anthropic-version',
    required: false,
    description: 'Sent to the provider; without it 2023-06-01 is.',
    schema: { type: 'string' },
  })
  @ApiHeader({
    name: 'anthropic-beta',
    required: false,
    description: 'Sent to the provider: up to 32 names, separated by commas.',
    schema: { type: 'string' },
  })
  @ApiBody({ schema: schemaOf('MessageRequest') })
  @ApiOkResponse({
    description:
      'What a human approved, or that it was rejected: whole, or with "stream": true as server-sent events',
    headers: HELD_HEADERS,
    content: {
      'application/json': { schema: schemaOf('Message') },
      'text/event-stream': { schema: schemaOf('MessageEvent') },
    },
  })
  @ApiErrors(
    'idempotency_conflict',
    'too_many_holds',
    'too_many_jobs',
    'content_erased',
    'inference_failed',
    'job_cancelled',
    'job_not_found',
    'review_expired',
    'review_pending',
  )
  @Allow('jobs:write')
  @Post('messages')
  createMessage(
    @Req() request: FastifyRequest,
    @IdempotencyKey() idempotency: Idempotency | null,
    @CurrentCaller() caller: Caller,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    reply.header('request-id', request.id);
    const anthropicHeaders = anthropicHeadersOf(request);
    // Not awaited here, nor taken by @Body: the body would be in memory for as long as the request is held.
    return readChat(request.body, caller.name)
      .then(async ({ stream, payload, metadata }) => ({
        stream,
        held: (await this.held.submit({ payload, metadata, anthropicHeaders }, idempotency, caller, reply))
          .held,
      }))
      .then(({ held, stream }) => (stream ? this.stream(held) : this.held.respond(held, MESSAGES)));
  }

  /** Pings until the end, and then all of it at once: no token leaves before it is approved. */
  private async stream(held: Held): Promise<void> {
    const { job, reply } = held;
    const stream = new EventStream(reply).open();
    const end = (error: DomainError): void => {
      stream.sendFrames(errorFrame(error, reply.request.id));
    };
    stream.comment(`job ${job.id} waits for a human`);
    try {
      const ending = await this.held.wait(held, () => {
        stream.sendFrames(PING);
      });
      if (typeof ending !== 'object') {
        end(await this.held.unfinished(held, ending));
        return;
      }
      const { job: ended } = ending;
      const rejection = ended.erasedAt === null ? toRejection(ended) : null;
      if (!isReleased(ended) && rejection === null) {
        held.hasItsEnd = true;
        end(failureOf(ended));
        return;
      }
      const frames = rejection === null ? await framesOf(ended) : framesOfMessage(rejection);
      held.hasItsEnd = true;
      if (ended.edited && rejection === null) stream.comment('x-hitl-edited: true');
      for (const frame of frames) {
        stream.sendFrames(frame);
        await stream.drained();
      }
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      end(error);
    } finally {
      stream.end();
    }
  }
}
