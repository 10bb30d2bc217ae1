import { Injectable } from '@nestjs/common';
import {
  checkAnswer,
  DomainError,
  EVERY_PROJECT,
  JobReader,
  requireNoFaults,
  type FieldFault,
  type Job,
  JsonText,
  type OutputChange,
  type Scope,
} from '@hitl/domain';
import { ReviewPlanner } from '../policies/review-planner.service';
import { changeBetween } from './change';

/** The jobs that the desk works on: reads them, and has the policy say who must look where it has not said so yet. */
@Injectable()
export class DeskJobs {
  constructor(
    private readonly jobs: JobReader,
    private readonly planner: ReviewPlanner,
  ) {}

  /** @throws DomainError job_not_found */
  async find({ jobId, project }: Scope & { jobId: string }): Promise<Job> {
    const job = await this.jobs.find({ project }, jobId);
    if (!job) throw notFound(jobId);
    return job;
  }

  /** Runs `attempt`; when the job may only have lacked its plan, sees that it has one and tries once more. */
  async planned<T>(jobId: string, attempt: () => Promise<T | null>): Promise<T | null> {
    return (await attempt()) ?? ((await this.plan(jobId)) ? attempt() : null);
  }

  /** Applies the policy where it was not. Answers whether it has spoken: maybe a moment ago, after a failed attempt. */
  async plan(jobId: string): Promise<boolean> {
    if (!this.planner.configured) return false;
    const job = await this.jobs.find(EVERY_PROJECT, jobId);
    if (job?.status !== 'human') return false;
    if (job.plannedAt === null) await this.planner.apply(job);
    return true;
  }

  /**
   * What a new response changes, and of which revision; other requests are left as they are.
   * @throws DomainError schema_mismatch for a response that breaks what was asked for
   */
  async changeOf(
    request: Scope & {
      jobId: string;
      revision: number | null;
      response: string | null;
      actor: string;
    },
  ): Promise<{ revision: number | null; change: OutputChange | null; violations: FieldFault[] | null }> {
    const { revision, response, actor } = request;
    if (response === null) return { revision, change: null, violations: null };
    const job = await this.find(request);
    if (job.status !== 'human' || (revision !== null && revision !== job.revision)) {
      return { revision, change: null, violations: null };
    }
    // What is checked, and compared, is this very revision.
    const edited = new JsonText(response);
    const { faults, unchecked } = await checkAnswer(job, edited, actor);
    requireNoFaults(faults);
    const change = await changeBetween(job.modelResponse ?? job.response, edited, actor);
    return { revision: job.revision, change, violations: told(unchecked) };
  }
}

export function notFound(jobId: string): DomainError {
  return new DomainError('job_not_found', `There is no job with the id ${jobId}.`);
}

/** Why nothing can be done with a job any more. */
export function erased(jobId: string): DomainError {
  return new DomainError(
    'content_erased',
    `What job ${jobId} was about is erased. Nothing can be added to it.`,
  );
}

/** What is kept of findings; null: there is nothing to tell. */
export function told(findings: FieldFault[]): FieldFault[] | null {
  return findings.length > 0 ? findings : null;
}
