import { Inject, Injectable } from '@nestjs/common';
import { ClientProxy } from '@nestjs/microservices';
import { JobReader, type DecisionRequest, type Edit, type Job, type ReviewPosition } from '@hitl/domain';
import { ask, DecideReview, EditReview, type ReviewReply } from '@hitl/messaging';
import { v7 as uuidv7 } from 'uuid';
import { JobsService } from '../jobs/jobs.service';

/** The gateway's side of the review desk: reads from the database, commands to the review service. */
@Injectable()
export class ReviewsService {
  constructor(
    private readonly jobs: JobsService,
    private readonly reader: JobReader,
    @Inject(ClientProxy) private readonly client: ClientProxy,
  ) {}

  /** Jobs that wait for a human, most urgent first. */
  waiting(page: { after?: ReviewPosition; limit: number }): Promise<Job[]> {
    return this.reader.waiting(page);
  }

  /** @throws DomainError job_not_found, job_not_waiting, already_decided, revision_mismatch, unavailable */
  async decide(decision: Omit<DecisionRequest, 'id'>): Promise<Job> {
    const { id } = await this.jobs.get(decision.jobId);
    await ask<ReviewReply>(this.client, DecideReview.pattern, { ...decision, jobId: id, id: uuidv7() });
    return this.jobs.get(id);
  }

  /** @throws DomainError as {@link decide} */
  async edit(change: Edit): Promise<void> {
    const { id } = await this.jobs.get(change.jobId);
    await ask<ReviewReply>(this.client, EditReview.pattern, { ...change, jobId: id });
  }
}
