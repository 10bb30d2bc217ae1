import {
  DomainError,
  isJsonObject,
  STATUS_AFTER,
  type Decision,
  type DeskRules,
  type Job,
  type Judgement,
} from '@hitl/domain';

/** What was asked for. */
interface Asked {
  actor: string;
  /** Null: whichever is current. */
  revision: number | null;
  verdict?: string;
}

/**
 * Why nothing was done, as the job is now.
 * @returns DomainError already_decided, job_not_waiting, revision_mismatch, claimed, not_in_group, own_submission,
 *   already_voted, too_many_regenerations; unavailable where the job may have changed since
 */
export function refusalOf(
  { actor, revision, verdict }: Asked,
  job: Job,
  desk: DeskRules,
  last: Decision | null = null,
): DomainError {
  if (job.status !== 'human') {
    // A job may have been cancelled, or have failed, since it was sent back to the model.
    if (last?.final && STATUS_AFTER[last.verdict] === job.status) {
      return new DomainError(
        'already_decided',
        `${last.actor} was first: '${last.verdict}' on revision ${last.revision} at ${last.createdAt.toISOString()}. The job is in '${job.status}'.`,
      );
    }
    return new DomainError(
      'job_not_waiting',
      `Job ${job.id} is in '${job.status}', it does not wait for a human.`,
    );
  }
  const held = heldOf(job);
  if (held && job.heldUntil) {
    return new DomainError(
      'already_decided',
      `${held.actor} was first: '${held.verdict}', which takes effect at ${job.heldUntil.toISOString()} unless it is undone.`,
    );
  }
  if (revision !== null && revision !== job.revision) {
    return new DomainError(
      'revision_mismatch',
      `Revision ${revision} is not what waits now: the current one is ${job.revision}. Read it, then decide.`,
    );
  }
  if (
    job.claimedBy !== null &&
    job.claimedBy !== actor &&
    job.claimedUntil &&
    job.claimedUntil > new Date()
  ) {
    return new DomainError(
      'claimed',
      `${job.claimedBy} has the job until ${job.claimedUntil.toISOString()}. Take another one, or wait.`,
    );
  }
  if (job.group !== '' && !desk.groups.includes(job.group)) {
    return new DomainError(
      'not_in_group',
      `The job is for the group '${job.group}', of which ${actor} is no member.`,
    );
  }
  if ((job.fourEyes || desk.fourEyes) && job.submitter === actor) {
    return new DomainError('own_submission', `${actor} submitted the job, and it wants other eyes.`);
  }
  if (verdict === 'regenerate' && job.regenerations >= desk.maxRegenerations) {
    return new DomainError(
      'too_many_regenerations',
      `The job was sent back to the model ${job.regenerations} times, as often as it may be (MAX_REGENERATIONS). Edit or reject its response.`,
    );
  }
  if ([...job.approvedBy, ...job.rejectedBy].includes(actor)) {
    const as = job.approvedBy.includes(actor) ? 'approved' : 'rejected';
    return new DomainError(
      'already_voted',
      `${actor} has ${as} revision ${job.revision} already; another reviewer must judge it, too.`,
    );
  }
  return new DomainError(
    'unavailable',
    desk.requirePlan && job.plannedAt === null
      ? 'The policy has not said yet who must review the job. Try again in a moment.'
      : 'The job was changed at the same moment. Look at it, then try again.',
  );
}

/** The decision on a job that can still be undone. */
export function heldOf({ heldDecision }: Job): Judgement | null {
  return isJsonObject(heldDecision) ? (heldDecision as unknown as Judgement) : null;
}
