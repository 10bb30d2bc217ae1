import { Inject, Injectable } from '@nestjs/common';
import { ClientProxy } from '@nestjs/microservices';
import {
  DomainError,
  DraftStore,
  ERRORS,
  isJsonObject,
  DeskReader,
  JobReader,
  RemarkReader,
  SummaryReader,
  Turns,
  type Caller,
  type CurrentJob,
  type DecisionRequest,
  type DeskCaller,
  type Draft,
  type Edit,
  type Job,
  type JsonText,
  type Obstacle,
  type Remarks,
  type RestoreRequest,
  type Scope,
  type ReviewPosition,
  type Summary,
  type UnreadPage,
} from '@hitl/domain';
import {
  ask,
  ClaimNextReview,
  ClaimReview,
  DecideReview,
  EditReview,
  NoteReview,
  ReleaseReview,
  RestoreRevision,
  UndoDecision,
  type ClaimReply,
  type ReviewReply,
} from '@hitl/messaging';
import { v7 as uuidv7 } from 'uuid';
import { deadlineOf, JobsService } from '../jobs/jobs.service';
import { Desk } from './desk.service';
import { claimOf, heldOf } from './waiting.dto';

/** Drafts that are read at once: each may be of megabytes. */
const MAX_READS = 2;

/**
 * Bytes that one command carries of a response and a payload that a reviewer has written, at most: it passes the broker as one
 * message, and is written by one statement, beside those of everybody else.
 */
const MAX_WRITTEN_BYTES = 4_194_304;

/** What a caller asks for: who that is, the gateway adds. */
export type Asked<Command> = Omit<Command, 'actor' | 'project' | 'roles' | 'groups'>;

/** The gateway's side of the review desk: reads and drafts from the database, commands to the review service. */
@Injectable()
export class ReviewsService {
  private readonly large = new Turns(
    MAX_READS,
    'Too many drafts are being read. Try again in a few seconds.',
  );

  constructor(
    private readonly jobs: JobsService,
    private readonly reader: JobReader,
    private readonly deskReader: DeskReader,
    private readonly summaries: SummaryReader,
    private readonly drafts: DraftStore,
    private readonly remarkReader: RemarkReader,
    private readonly desk: Desk,
    @Inject(ClientProxy) private readonly client: ClientProxy,
  ) {}

  /** Jobs that wait for a human, most urgent first. There may be fewer than `limit` although `next` is not null. */
  waiting(
    scope: Scope,
    page: { after?: ReviewPosition; limit: number; decidableBy: DeskCaller | null },
  ): Promise<UnreadPage<Job, ReviewPosition>> {
    return this.deskReader.waiting(scope, page);
  }

  /** What keeps this reviewer from deciding on each of the jobs; null: nothing, or the desk's rules are not known. */
  async obstacles(
    caller: Caller,
    jobs: Pick<Job, 'id' | 'status'>[],
  ): Promise<(job: Pick<Job, 'id' | 'status'>) => Obstacle | null> {
    const ids = jobs.filter((job) => !hasEnded(job)).map(({ id }) => id);
    const reviewer = ids.length > 0 ? await this.desk.caller(caller) : null;
    const found = reviewer && (await this.deskReader.obstacles(caller, ids, reviewer));
    return (job) => (hasEnded(job) ? 'ended' : (found?.get(job.id) ?? null));
  }

  /** The reviewer with the rules by which they decide. @throws DomainError unavailable while they are not known */
  async requireCaller(caller: Caller): Promise<DeskCaller> {
    const reviewer = await this.desk.caller(caller);
    if (reviewer) return reviewer;
    throw new DomainError(
      'unavailable',
      `The review service does not say what ${caller.name} may decide on. Try again, or ask without decidable.`,
    );
  }

  /** @throws DomainError job_not_found */
  get(scope: Scope, id: string): Promise<Job> {
    return this.jobs.get(scope, id);
  }

  /** What waits right now, without reading the job. @throws DomainError job_not_found */
  current(scope: Scope, id: string): Promise<CurrentJob> {
    return this.jobs.current(scope, id);
  }

  /** The most urgent job that this reviewer may take, which they have then; null when there is none. */
  async claimNext(caller: Caller): Promise<Job | null> {
    const { jobId } = await ask<ClaimReply>(this.client, ClaimNextReview.pattern, {
      id: uuidv7(),
      project: caller.project,
      roles: caller.roles,
      groups: caller.groups,
      actor: caller.name,
      deadline: deadlineOf(await this.reader.clock()),
    });
    return jobId === null ? null : this.jobs.get(caller, jobId);
  }

  /** @throws DomainError job_not_found, job_not_waiting, claimed, not_in_group, own_submission, too_many_claims, unavailable */
  async claim(caller: Caller, jobId: string): Promise<Job> {
    return this.jobs.get(caller, await this.command(caller, jobId, ClaimReview.pattern, { id: uuidv7() }));
  }

  /** @throws DomainError job_not_found, claimed, unavailable */
  async release(caller: Caller, jobId: string): Promise<void> {
    await this.command(caller, jobId, ReleaseReview.pattern, {});
  }

  /**
   * Reads nothing of what the job is about.
   * @param current the job as it is now, where that is known
   * @throws DomainError job_not_found, job_not_waiting, already_decided, revision_mismatch, claimed, not_in_group,
   *   own_submission, already_voted, too_many_regenerations, schema_mismatch, idempotency_conflict, unavailable
   */
  async decide(caller: Caller, decision: Asked<DecisionRequest>, current?: CurrentJob): Promise<void> {
    await this.command(caller, decision.jobId, DecideReview.pattern, decision, current);
  }

  /** One of many, and what has become of its job. @throws DomainError as {@link decide} */
  async decideOneOfMany(caller: Caller, decision: Asked<DecisionRequest>): Promise<Summary> {
    return this.summary(caller, await this.command(caller, decision.jobId, DecideReview.pattern, decision));
  }

  /** Takes back the decision that is held. @throws DomainError job_not_found, nothing_to_undo, unavailable */
  async undo(caller: Caller, jobId: string): Promise<Job> {
    const id = await this.jobs.idOf(caller, jobId);
    const { heldDecision } = await this.summary(caller, id);
    const decisionId = isJsonObject(heldDecision) ? heldDecision.id : uuidv7();
    return this.jobs.get(caller, await this.command(caller, id, UndoDecision.pattern, { decisionId }));
  }

  /** @throws DomainError as {@link decide} */
  async edit(caller: Caller, change: Asked<Edit>): Promise<void> {
    await this.command(caller, change.jobId, EditReview.pattern, change);
  }

  /** @throws DomainError revision_not_found, and as {@link decide} */
  async restore(caller: Caller, wish: Asked<RestoreRequest>, current: CurrentJob): Promise<Job> {
    return this.jobs.get(
      caller,
      await this.command(caller, wish.jobId, RestoreRevision.pattern, wish, current),
    );
  }

  /** @throws DomainError job_not_found, unavailable */
  async note(caller: Caller, jobId: string, note: { id: string; text: string }): Promise<void> {
    await this.command(caller, jobId, NoteReview.pattern, note);
  }

  /** @throws DomainError job_not_found, draft_not_found */
  async draft(caller: Caller, jobId: string): Promise<Draft> {
    const id = await this.jobs.idOf(caller, jobId);
    const draft = await this.large.take(() => this.drafts.find(caller, id, caller.name));
    if (!draft) throw new DomainError('draft_not_found', `${caller.name} has saved no draft for job ${id}.`);
    return draft;
  }

  /** What people have said about a job. */
  remarks(job: Job): Promise<Remarks> {
    return this.remarkReader.read(job);
  }

  /** When this reviewer's draft for a job was saved; null: there is none. Those of jobs that have ended are gone. */
  async draftSavedAt(caller: Caller, { id, finishedAt }: Job): Promise<Date | null> {
    return finishedAt === null ? this.drafts.savedAt(caller, id, caller.name) : null;
  }

  /** @throws DomainError job_not_found, job_not_waiting */
  async saveDraft(
    caller: Caller,
    jobId: string,
    draft: { revision: number; content: JsonText },
  ): Promise<Draft> {
    const id = await this.jobs.idOf(caller, jobId);
    const kept = (await this.drafts.save(caller, { ...draft, jobId: id, actor: caller.name }))
      ? await this.drafts.find(caller, id, caller.name)
      : null;
    if (!kept) {
      throw new DomainError('job_not_waiting', `Job ${id} has ended: there is nothing left to write for it.`);
    }
    return kept;
  }

  /** @throws DomainError job_not_found */
  async deleteDraft(caller: Caller, jobId: string): Promise<void> {
    await this.drafts.delete(caller, await this.jobs.idOf(caller, jobId), caller.name);
  }

  /**
   * Sends the caller's command about a job, and returns the job's id; a refusal says what is there now. The command is about the
   * response that waits now, where it names no other, and does nothing once nobody waits for it any more.
   * @throws DomainError body_too_large
   */
  private async command(
    caller: Caller,
    jobId: string,
    pattern: string,
    data: object,
    current?: CurrentJob,
  ): Promise<string> {
    requireModest(data);
    const { id, revision, asOf } = current ?? (await this.jobs.current(caller, jobId));
    try {
      await ask<ClaimReply | ReviewReply>(this.client, pattern, {
        ...data,
        project: caller.project,
        roles: caller.roles,
        groups: caller.groups,
        actor: caller.name,
        ...('revision' in data && data.revision === null && { revision }),
        jobId: id,
        deadline: deadlineOf(asOf),
      });
    } catch (error) {
      throw await this.withCurrent(caller, error, id);
    }
    return id;
  }

  private async withCurrent(scope: Scope, error: unknown, jobId: string): Promise<unknown> {
    if (!(error instanceof DomainError) || ![409, 412].includes(ERRORS[error.code].status)) return error;
    const job = await this.summary(scope, jobId);
    const last = job.status === 'human' ? null : await this.deskReader.lastDecision(jobId);
    return new DomainError(error.code, error.message, error.faults, {
      status: job.status,
      revision: job.revision,
      claim: claimOf(job),
      held: heldOf(job),
      decision: last && { verdict: last.verdict, by: last.actor, at: last.createdAt.toISOString() },
    });
  }

  private async summary(scope: Scope, id: string): Promise<Summary> {
    const summary = await this.summaries.find(scope, id);
    if (!summary) throw new Error(`job ${id} was there a moment ago`);
    return summary;
  }
}

/** @throws DomainError body_too_large for more than one command carries */
function requireModest({ response, payload }: { response?: string | null; payload?: string | null }): void {
  const bytes = Buffer.byteLength(response ?? '') + Buffer.byteLength(payload ?? '');
  if (bytes <= MAX_WRITTEN_BYTES) return;
  throw new DomainError(
    'body_too_large',
    `What a reviewer writes in the place of a response or a payload may have ${MAX_WRITTEN_BYTES} bytes of JSON; this has ${bytes}. Nothing has happened: approve or reject it as it is, or ask for another response with feedback.`,
  );
}

function hasEnded({ status }: Pick<Job, 'status'>): boolean {
  return status === 'success' || status === 'fail';
}
