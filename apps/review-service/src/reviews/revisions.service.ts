import { Injectable, Logger } from '@nestjs/common';
import {
  checkAnswer,
  DomainError,
  DeskReader,
  DeskStore,
  type DeskRules,
  type Edit,
  type Job,
  JsonText,
  type Note,
  type RestoreRequest,
  type Reviewer,
} from '@hitl/domain';
import { ChangeAnnouncer, type ClaimReply, type ReviewReply } from '@hitl/messaging';
import { metrics } from '@hitl/observability';
import { ReviewPlanner } from '../policies/review-planner.service';
import { DeskJobs, erased, told } from './desk-jobs.service';
import { refusalOf } from './refusal';

/** What is done with a review beside claiming and deciding: it begins, and its answer changes without a verdict. */
@Injectable()
export class RevisionsService {
  private readonly logger = new Logger(RevisionsService.name);

  constructor(
    private readonly store: DeskStore,
    private readonly reader: DeskReader,
    private readonly desk: DeskJobs,
    private readonly changes: ChangeAnnouncer,
    private readonly planner: ReviewPlanner,
  ) {}

  /** A job has a new answer: the policy says who must look. Without a policy it only waits. */
  async accept(jobId: string): Promise<void> {
    metrics.reviewsRequested.inc();
    await this.desk.plan(jobId);
    this.logger.debug({ jobId, message: 'handed to the desk' });
  }

  /** @throws DomainError job_not_found, schema_mismatch, and as {@link refusalOf} */
  async edit(edit: Edit & Reviewer): Promise<ReviewReply> {
    const changed = await this.desk.changeOf(edit);
    const desk = this.planner.deskOf(edit);
    const next = await this.desk.planned(edit.jobId, () => this.store.edit({ ...edit, ...changed, desk }));
    if (next === null) {
      const job = await this.desk.find(edit);
      if (!isMadeBy(edit, job)) throw refusalOf(edit, job, desk);
      // Asked again, since its reply was lost.
      return { status: 'human', revision: job.revision };
    }
    this.changes.announce(edit.jobId, 'human');
    return { status: 'human', revision: next };
  }

  /**
   * Makes an earlier answer the current one, which everybody has yet to judge; of a job that the model is asked again
   * for, too. The one that waits already is left as it is.
   * @throws DomainError job_not_found, revision_not_found, content_erased, and as {@link refusalOf}
   */
  async restore(wish: RestoreRequest & Reviewer): Promise<ReviewReply> {
    const { jobId, actor } = wish;
    const job = await this.desk.find(wish);
    if (job.erasedAt !== null) throw erased(jobId);
    if (job.status === 'human' && wish.restore === job.revision && wish.revision === job.revision) {
      return { status: 'human', revision: job.revision };
    }
    const answer = await this.reader.revision(jobId, wish.restore);
    if (!answer) {
      throw new DomainError(
        'revision_not_found',
        `Job ${jobId} never had a revision ${wish.restore}: the current one is ${job.revision}.`,
      );
    }
    const checked = await checkAnswer(job, new JsonText(answer.response), actor);
    const violations = told([...checked.faults, ...checked.unchecked]);
    const desk = this.planner.deskOf(wish);
    const next = await this.desk.planned(jobId, () =>
      this.store.restore({ ...wish, answer, violations, desk }),
    );
    if (next === null) {
      throw refusalOf(wish, await this.desk.find(wish), desk, await this.reader.lastDecision(jobId));
    }
    this.changes.announce(jobId, 'human');
    this.logger.log({ jobId, restored: wish.restore, revision: next, message: 'restored' });
    return { status: 'human', revision: next };
  }

  /** By which rules this person reviews. */
  deskOf(reviewer: Reviewer): DeskRules {
    return this.planner.deskOf(reviewer);
  }

  /** @throws DomainError job_not_found, content_erased */
  async note(note: Note): Promise<ClaimReply> {
    const added = await this.store.addNote(note);
    const { status } = await this.desk.find(note);
    if (!added) throw erased(note.jobId);
    this.changes.announce(note.jobId, status);
    return { jobId: note.jobId };
  }
}

/** Whether a job waits with just what the edit makes of the revision that it names. */
function isMadeBy({ revision, response, payload }: Edit, job: Job): boolean {
  return (
    job.status === 'human' &&
    revision === job.revision - 1 &&
    (response === null || response === job.response?.text) &&
    (payload === null || payload === job.payload.text)
  );
}
