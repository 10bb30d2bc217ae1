import { Controller, Get, Headers, Query, Res } from '@nestjs/common';
import {
  ApiExtraModels,
  ApiHeader,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiProduces,
  ApiTags,
  getSchemaPath,
} from '@nestjs/swagger';
import {
  BEFORE_ALL_EVENTS,
  DomainError,
  isDatabaseTrouble,
  may,
  type Caller,
  type CurrentJob,
  type EventPosition,
  type EventRecord,
} from '@hitl/domain';
import { Allow } from '@hitl/service';
import { quote } from '@hitl/shapes';
import type { FastifyReply } from 'fastify';
import { CurrentCaller } from '../http/caller';
import { EventStream, EVENT_STREAM_TYPE, frameOf } from '../http/event-stream';
import { goneSignal } from '../http/gone';
import { JobId } from '../http/path';
import { JobsService } from '../jobs/jobs.service';
import { Viewers } from '../reviews/viewers.service';
import { EventTail } from './event-tail.service';
import { OpenStreams } from './open-streams.service';
import { ApiErrors } from '../openapi/api-errors';
import { JobEventDto, RESET_EVENT, ViewersEventDto } from './event.dto';

/** Describes a stream that carries these beside `reset`. */
const streamOf = (types: string, ...schemas: string[]) => ({
  description: `Server-sent events: \`id\`, \`event\` (the type) and \`data\`, ${types}. They carry no payload and no response. The event \`reset\`, with the data {}, says that the database has lost its last moments (a failover, or a restore): read again what you follow.`,
  schema: { oneOf: [...schemas, `#/components/schemas/${RESET_EVENT.name}`].map(($ref) => ({ $ref })) },
});

/** Nothing may be asked of it: a filter that is not known must not be taken for one that is. */
class NoParameters {
  none?: never;
}

@ApiTags('events')
@Controller('v1')
export class EventsController {
  constructor(
    private readonly jobs: JobsService,
    private readonly tail: EventTail,
    private readonly streams: OpenStreams,
    private readonly viewers: Viewers,
  ) {}

  @ApiOperation({
    summary: 'Follow one job',
    description: 'All its events from the first one, then each new one; the stream ends with the job.',
  })
  @ApiHeader({ name: 'Last-Event-ID', required: false, description: 'Go on after this event' })
  @ApiProduces('text/event-stream')
  @ApiExtraModels(JobEventDto)
  @ApiOkResponse(streamOf('a JobEvent', getSchemaPath(JobEventDto)))
  @ApiNoContentResponse({ description: 'The job has ended, and Last-Event-ID is its last event' })
  @ApiErrors('job_not_found', 'event_gone', 'too_many_streams')
  @Allow('jobs:read')
  @Get('jobs/:id/events')
  async followJob(
    @JobId() id: string,
    @Headers('last-event-id') lastEventId: string | undefined,
    @CurrentCaller() caller: Caller,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const from = positionOf(lastEventId);
    await this.comingBack(reply, async () => {
      const job = await this.jobs.current(caller, id);
      await this.requireThere(from);
      // An EventSource comes back after every end, except after this one.
      if (from && hasEnded(job) && (await this.tail.isLast(from, job.id))) await reply.status(204).send();
      else await this.stream(caller, reply, from ?? BEFORE_ALL_EVENTS, job);
    });
  }

  @ApiOperation({
    summary: 'Follow all jobs',
    description:
      'From now on, or after Last-Event-ID. Also `viewers`, without an id: {"job_id", "viewers"}, who looks at a job, whenever that changes; only reviewers receive it.',
  })
  @ApiHeader({ name: 'Last-Event-ID', required: false, description: 'Go on after this event' })
  @ApiProduces('text/event-stream')
  @ApiExtraModels(ViewersEventDto)
  @ApiOkResponse(
    streamOf('a JobEvent or a ViewersEvent', getSchemaPath(JobEventDto), getSchemaPath(ViewersEventDto)),
  )
  @ApiErrors('event_gone', 'too_many_streams')
  @Allow('jobs:read')
  @Get('events')
  async followAll(
    @Query() _none: NoParameters,
    @Headers('last-event-id') lastEventId: string | undefined,
    @CurrentCaller() caller: Caller,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    // Before the stream opens: a client that reads the job once it is open misses nothing.
    const from = positionOf(lastEventId);
    await this.comingBack(reply, async () => {
      await this.requireThere(from);
      await this.stream(caller, reply, from ?? (await this.tail.end()));
    });
  }

  /**
   * An EventSource gives up for good on any status but 200. While the database is away it gets a stream that ends at once,
   * so that it comes back.
   */
  private async comingBack(reply: FastifyReply, follow: () => Promise<void>): Promise<void> {
    try {
      await follow();
    } catch (error) {
      const isEventSource = reply.request.headers.accept?.includes('text/event-stream');
      if (!isEventSource || !isDatabaseTrouble(error) || reply.sent) throw error;
      const stream = new EventStream(reply).open();
      stream.retry();
      stream.comment('the database is away');
      stream.end();
    }
  }

  /** @throws DomainError event_gone for a Last-Event-ID after which no events can be found */
  private async requireThere(from: EventPosition | null): Promise<void> {
    if (from === null || (await this.tail.has(from))) return;
    throw new DomainError(
      'event_gone',
      `The database has no event ${idOf(from)}, which Last-Event-ID names: it was lost with the last moments before a failover or a restore, or never was. Read again what you follow, and follow without Last-Event-ID.`,
    );
  }

  private async stream(
    caller: Caller,
    reply: FastifyReply,
    from: EventPosition,
    job?: CurrentJob,
  ): Promise<void> {
    if (reply.request.method === 'HEAD') {
      await reply.header('content-type', EVENT_STREAM_TYPE).status(200).send();
      return;
    }
    const done = new AbortController();
    const exit = this.streams.enter(reply.request.ip);
    const signal = AbortSignal.any([goneSignal(reply), done.signal, this.streams.closing]);
    const stream = new EventStream(reply).open();
    stream.retry();
    stream.comment('follows');
    const leave =
      job || !may(caller, 'reviews:read')
        ? null
        : this.viewers.follow(caller, (jobId, viewers) => {
            stream.sendFrames(framesOnce(viewers, () => viewersFrame(jobId, viewers)));
          });
    try {
      await this.tail.follow(caller, from, {
        jobId: job?.id,
        endedJob: job !== undefined && hasEnded(job),
        signal,
        beat: () => {
          stream.comment('still here');
        },
        reset: (position) => {
          stream.send({ id: idOf(position), event: 'reset', data: '{}' });
          // A follower that comes back is sent whether and how the job goes on.
          if (job) done.abort();
        },
        lost: () => {
          stream.send({ event: 'reset', data: '{}' });
          done.abort();
        },
        drained: () => stream.drained(),
        next: (events) => {
          stream.sendFrames(framesOnce(events, () => events.map(eventFrame).join('')));
          if (job && events.some(hasEnded)) done.abort();
        },
      });
    } finally {
      exit();
      leave?.();
      stream.end();
    }
  }
}

function hasEnded({ status }: Pick<CurrentJob, 'status'>): boolean {
  return status === 'success' || status === 'fail';
}

/** What was made of the events that all followers are sent, as long as one of them has it. */
const frames = new WeakMap<object, Buffer>();

/** What a stream sends of something: made once for all streams. */
function framesOnce(event: object, make: () => string): Buffer {
  const made = frames.get(event) ?? Buffer.from(make());
  frames.set(event, made);
  return made;
}

function viewersFrame(jobId: string, viewers: string[]): string {
  return frameOf({ event: 'viewers', data: JSON.stringify({ job_id: jobId, viewers }) });
}

function eventFrame(event: EventRecord): string {
  return frameOf({
    id: idOf(event),
    event: event.type,
    data: JSON.stringify(toData(event)),
  });
}

function toData(event: EventRecord): JobEventDto {
  return {
    id: idOf(event),
    job_id: event.jobId,
    type: event.type,
    status: event.status,
    revision: event.revision,
    actor: event.actor,
    created_at: event.createdAt.toISOString(),
  };
}

/** The id of an event, as clients have it: ids of the first epoch do not name it. */
function idOf({ epoch, xid, id }: EventPosition): string {
  return epoch > 1 ? `${epoch}-${xid}-${id}` : `${xid}-${id}`;
}

/** The place that a Last-Event-ID names; null without one. */
function positionOf(lastEventId: string | undefined): EventPosition | null {
  if (lastEventId === undefined || lastEventId === '') return null;
  const [, epoch, xid, id] = /^(?:(\d{1,9})-)?(\d{1,18})-(\d{1,18})$/.exec(lastEventId) ?? [];
  if (xid === undefined || id === undefined) {
    const detail = `${quote(lastEventId)} is not the id of an event`;
    throw new DomainError('invalid_request', `Last-Event-ID: ${detail}.`, [
      { pointer: 'Last-Event-ID', detail },
    ]);
  }
  return { epoch: epoch === undefined ? 1 : Number(epoch), xid, id };
}
