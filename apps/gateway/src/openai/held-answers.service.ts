import { Injectable } from '@nestjs/common';
import { Config } from '@hitl/config';
import type { Job } from '@hitl/domain';
import type { FastifyReply } from 'fastify';
import { goneSignal } from '../http/gone';
import { markReplayed, type Idempotency } from '../http/idempotency';
import { JobsService, type Submission } from '../jobs/jobs.service';
import { WaitingRoom, type Ending } from '../waiting/waiting-room.service';
import { failureOf, unfinished } from './withheld';

/** Submits requests whose clients are held until a human has decided. */
@Injectable()
export class HeldAnswers {
  constructor(
    private readonly jobs: JobsService,
    private readonly waitingRoom: WaitingRoom,
    private readonly config: Config,
  ) {}

  /** Makes the job, or finds the one that the idempotency key stands for, and names it in the reply. */
  async submit(
    submission: Omit<Submission, 'idempotency'>,
    idempotency: Idempotency | null,
    actor: string,
    reply: FastifyReply,
  ): Promise<Job> {
    const { job, replayed } = await this.jobs.submit({ ...submission, idempotency }, actor);
    markReplayed(reply, replayed);
    reply.header('x-hitl-job-id', job.id);
    return job;
  }

  /** Waits for the job's end, HOLD_TIMEOUT_MS at most. */
  wait(jobId: string, reply: FastifyReply, beat?: () => void): Promise<Ending> {
    return this.waitingRoom.untilEnded(jobId, {
      ms: this.config.HOLD_TIMEOUT_MS,
      gone: goneSignal(reply),
      beat,
    });
  }

  /** The job once it has ended. @throws Withheld when the wait was over first */
  async ended(jobId: string, reply: FastifyReply): Promise<Job> {
    const ending = await this.wait(jobId, reply);
    if (typeof ending !== 'object') throw unfinished(ending, jobId, hasIdempotencyKey(reply));
    if (ending.job.edited) reply.header('x-hitl-edited', 'true');
    return ending.job;
  }

  /** The job once a human has approved it. @throws Withheld */
  async approved(jobId: string, reply: FastifyReply): Promise<Job> {
    const job = await this.ended(jobId, reply);
    if (job.status !== 'success') throw failureOf(job);
    return job;
  }
}

/** Whether the request that is answered carries an idempotency key. */
export function hasIdempotencyKey(reply: FastifyReply): boolean {
  return reply.request.headers['idempotency-key'] !== undefined;
}
