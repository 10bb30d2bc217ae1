import { Injectable } from '@nestjs/common';
import { Config } from '@hitl/config';
import {
  describeTrouble,
  DomainError,
  isDatabaseTrouble,
  isTransient,
  SummaryReader,
  type Caller,
  type HeldRequest,
  type Job,
  type JobStatus,
  type Json,
  type JsonText,
  type Scope,
} from '@hitl/domain';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { goneSignal, onceClosed } from '../http/gone';
import { markReplayed, type Idempotency } from '../http/idempotency';
import { JobsService, type Submission } from '../jobs/jobs.service';
import { Holds } from '../waiting/holds.service';
import { WaitingRoom, type Ending } from '../waiting/waiting-room.service';
import { HeldRequests, tellsRetries } from './held-requests.service';
import { holdTimesOf, type HoldTimes } from './hold-times';
import { SlowResponse } from './slow-response';
import { failureOf, isReleased, unfinished, Withheld } from './withheld';

/** Milliseconds between two spaces of a slow reply at most: below the idle times of load balancers. */
const BEAT_MS = 15_000;
/** How long the model may need until a slow reply is tried again, in milliseconds. */
const LOOK_AGAIN_MS = 2000;

/** What is kept of a job while a request is held for it: nothing large, for it may be held for days. */
export type HeldJob = Pick<Job, 'id' | 'project' | 'createdAt' | 'model'>;

/** A request that waits for its job. */
export interface Held {
  job: HeldJob;
  reply: FastifyReply;
  /** When it came, by performance.now(): a clock that is set neither shortens a wait nor lengthens it. */
  since: number;
  /** Fires when its client goes. */
  gone: AbortSignal;
  times: HoldTimes;
  /** Whether it was just submitted, until the first wait for it. */
  isNew: boolean;
  /** Whether its client has been sent the job's end; as long as it is not, an identical request gets the job. */
  hasItsEnd: boolean;
}

/** How an API shows a job that has ended. */
export interface JobForm {
  /** An approved response. */
  response(job: Job): Promise<Json | JsonText>;
  /** The reply to a request whose job was rejected; null, absent: an error, as for any other failure. */
  rejected?(job: Job): Json;
  /** Why there is none, where the status was sent before that was known. */
  withheld(error: Withheld, job: Job): Json;
}

/** Submits requests whose clients are held until a human has decided. */
@Injectable()
export class HeldResponses {
  constructor(
    private readonly jobs: JobsService,
    private readonly requests: HeldRequests,
    private readonly holds: Holds,
    private readonly waitingRoom: WaitingRoom,
    private readonly summaries: SummaryReader,
    private readonly config: Config,
  ) {}

  /**
   * Makes the job, or finds the one that the request has already: by its idempotency key, else as an identical request whose
   * client has gone. Names the job in the reply.
   * @param isHeld whether its client waits for the job's end
   * @throws DomainError too_many_holds, too_many_jobs, idempotency_conflict
   */
  async submit(
    submission: Omit<Submission, 'idempotency' | 'id'>,
    idempotency: Idempotency | null,
    caller: Caller,
    reply: FastifyReply,
    isHeld = true,
  ): Promise<{ held: Held; job: Job }> {
    if (isHeld) this.holds.enter(reply);
    // Its body took its time, too.
    const since = performance.now() - reply.elapsedTime;
    const gone = goneSignal(reply);
    const {
      job: found,
      hold,
      replayed,
      isNew,
      cutAfterMs,
    } = idempotency
      ? await this.byKey(submission, idempotency, caller)
      : await this.byQuestion(submission, caller, reply).catch((error: unknown) => {
          throw this.asRepeatable(error, reply.request);
        });
    reply.request.releaseBody();
    // It may be held for hours: without what its payload reads as, which takes more memory than the text.
    const job = Object.assign(found, { payload: found.payload.unread() });
    markReplayed(reply, replayed);
    reply.header('x-hitl-job-id', job.id);
    const times = holdTimesOf(reply.request, cutAfterMs, this.config.HOLD_BEAT_MS);
    const { id, project, createdAt, model } = job;
    const held: Held = {
      job: { id, project, createdAt, model },
      reply,
      since,
      gone,
      times,
      isNew,
      hasItsEnd: false,
    };
    onceClosed(reply, (isSent) => {
      const cutAfterMs = isSent || this.waitingRoom.isClosed ? null : Math.round(performance.now() - since);
      this.requests.close(hold, { answered: isSent && held.hasItsEnd, cutAfterMs });
    });
    return { held, job };
  }

  private async byKey(submission: Submission, idempotency: Idempotency, caller: Caller) {
    const { job, replayed } = await this.jobs.submit({ ...submission, idempotency }, caller);
    return { job, replayed, isNew: false, hold: await this.requests.keep(job.id), cutAfterMs: null };
  }

  /** What is thrown for a request without a key that was not submitted, or perhaps was. */
  private asRepeatable(error: unknown, request: FastifyRequest): unknown {
    // Only OpenAI's SDKs say when they ask again, which gets them the job that may be there by now.
    if (!tellsRetries(request) || this.config.HOLD_JOIN_MS === 0 || !isTransient(error)) return error;
    return new DomainError('unavailable', `${describeTrouble(error)} Try again in a few seconds.`);
  }

  private async byQuestion(submission: Submission, caller: Caller, reply: FastifyReply) {
    const { hold, isNew, cutAfterMs } = await this.requests.join(reply.request);
    try {
      // Also where it was found: the request that made it may be about to submit it, or may have died before.
      const { job, replayed } =
        (!isNew && (await this.found(caller, hold))) ||
        (await this.jobs.submit({ ...submission, id: hold.jobId }, caller));
      return { job, replayed, isNew: !replayed, hold, cutAfterMs };
    } catch (error) {
      this.requests.close(hold, { answered: false, cutAfterMs: null });
      throw error;
    }
  }

  private async found(scope: Scope, { jobId }: HeldRequest): Promise<{ job: Job; replayed: true } | null> {
    const job = await this.jobs.find(scope, jobId);
    return job && { job, replayed: true };
  }

  /**
   * Replies once the job has ended, as the API shows it. Where only the human is missing, a long wait begins the reply
   * with white space.
   * @throws Withheld as long as no status was sent
   */
  async respond(held: Held, form: JobForm): Promise<void> {
    const slow = new SlowResponse(held.reply);
    try {
      const ending = await this.untilEnded(held, slow);
      if (ending === 'gone') return;
      if (ending === 'shutdown' && slow.hasBegun) slow.cut();
      else await this.send(held, form, ending, slow);
    } catch (error) {
      // Its client would wait for the rest.
      if (slow.hasBegun) slow.cut();
      throw error;
    }
  }

  private async send(
    held: Held,
    form: JobForm,
    ending: Exclude<Ending, 'gone'>,
    slow: SlowResponse,
  ): Promise<void> {
    const ended = typeof ending === 'object' ? ending.job : null;
    try {
      if (typeof ending !== 'object') throw await this.unfinished(held, ending);
      const { job } = ending;
      const response = isReleased(job)
        ? await form.response(job)
        : (job.erasedAt === null && form.rejected?.(job)) || failureOf(job);
      held.hasItsEnd = true;
      if (response instanceof Withheld) throw response;
      if (job.edited && !slow.hasBegun) held.reply.header('x-hitl-edited', 'true');
      await slow.end(response);
    } catch (error) {
      if (!slow.hasBegun || !(error instanceof Withheld)) throw error;
      const job = ended ?? (await this.jobs.find(held.job, held.job.id));
      if (!job) throw error;
      await slow.end(form.withheld(error, job));
    }
  }

  /** Waits for the job's end as a stream does, which says itself that it is alive. */
  wait({ job, since, gone, isNew }: Held, beat: () => void): Promise<Ending> {
    return this.waitingRoom.untilEnded(job.id, { until: this.endOfHold(since), gone, beat, isNew });
  }

  /** Why a wait ended without the job's end. */
  async unfinished({ job, reply }: Held, ending: Exclude<Ending, object>): Promise<Withheld> {
    return unfinished(ending, job.id, {
      status: await this.statusOf(job),
      hasKey: hasIdempotencyKey(reply),
      joinMs: this.config.HOLD_JOIN_MS,
    });
  }

  private async untilEnded({ job, since, gone, times, ...held }: Held, slow: SlowResponse): Promise<Ending> {
    const { replyAfter, beatAfter } = times;
    const endOfHold = this.endOfHold(since);
    const replyAt = Math.min(endOfHold, since + (replyAfter ?? Infinity));
    let beatAt = since + (beatAfter ?? Infinity);
    for (let { isNew } = held; ; isNew = false) {
      const until = Math.min(replyAt, beatAt);
      const ending = await this.waitingRoom.untilEnded(job.id, { until, gone, isNew });
      if (ending !== 'timeout') return ending;
      // Of the two times the earlier one counts, however late it is by now.
      if (replyAt < beatAt) return 'timeout';
      if ((await this.statusOf(job)) === 'human') break;
      beatAt = performance.now() + LOOK_AGAIN_MS;
    }
    const beat = (): void => {
      slow.beat();
    };
    beat();
    const beatMs = Math.min(BEAT_MS, beatAfter ?? BEAT_MS);
    return this.waitingRoom.untilEnded(job.id, { until: endOfHold, gone, beat, beatMs });
  }

  private endOfHold(since: number): number {
    const { HOLD_TIMEOUT_MS: ms } = this.config;
    return ms === 0 ? Infinity : since + ms;
  }

  /** undefined where the database cannot say: a hold outlives that. */
  private async statusOf(job: HeldJob): Promise<JobStatus | undefined> {
    try {
      return (await this.summaries.find(job, job.id))?.status;
    } catch (error) {
      if (isDatabaseTrouble(error)) return undefined;
      throw error;
    }
  }
}

/** Whether the request carries an idempotency key. */
function hasIdempotencyKey(reply: FastifyReply): boolean {
  return reply.request.headers['idempotency-key'] !== undefined;
}
