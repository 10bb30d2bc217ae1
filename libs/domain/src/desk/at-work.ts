import type { Job } from '../jobs/job.entity';
import type { OnDeadline } from './plan';

/** How long after it was saved a draft shows that its author is at work, in seconds; the same after an undone decision. */
export const AT_WORK_SECONDS = 300;

/** SQL for when whoever was last seen at work, as of now, is taken to have gone. */
export const AT_WORK_UNTIL = `now() + ${AT_WORK_SECONDS} * interval '1 second'`;

/** SQL that is true while somebody works on the job `j`: it is claimed, or a draft of it is fresh. */
export const IS_AT_WORK = '(coalesce(greatest(j.claimed_until, j.at_work_until) > now(), false))';

/**
 * SQL for when a step of the job `j` comes that is due at the column `due`: then, or once nobody works on the job any
 * more, but no later than its policy's grace allows. Null where `due` is.
 */
export function stepAt(due: 'deadline_at' | 'escalate_at'): string {
  return `CASE WHEN j.${due} IS NOT NULL THEN least(greatest(j.${due}, j.claimed_until, j.at_work_until),
    j.${due} + j.deadline_grace_seconds * interval '1 second') END`;
}

/** What ends the wait of a job when nobody decides. */
export interface AutomaticStep {
  outcome: OnDeadline;
  /** When it comes, as things are now. */
  at: Date;
  /** Whether somebody at work puts it off. */
  halted: boolean;
  /** It comes no later, whoever works on the job. */
  latestAt: Date;
}

/** The automatic end that lies before a waiting job, by the rule of {@link stepAt}; null: none, or a decision is held. */
export function automaticStepOf(
  job: Pick<
    Job,
    'deadlineAt' | 'onDeadline' | 'deadlineGraceSeconds' | 'claimedUntil' | 'atWorkUntil' | 'heldUntil'
  >,
): AutomaticStep | null {
  const { deadlineAt, onDeadline, claimedUntil, atWorkUntil } = job;
  if (deadlineAt === null || onDeadline === null || job.heldUntil !== null) return null;
  const latest = deadlineAt.getTime() + job.deadlineGraceSeconds * 1000;
  const busyUntil = Math.max(Number(claimedUntil ?? 0), Number(atWorkUntil ?? 0));
  const at = Math.min(Math.max(deadlineAt.getTime(), busyUntil), latest);
  return {
    outcome: onDeadline,
    at: new Date(at),
    halted: at > deadlineAt.getTime(),
    latestAt: new Date(latest),
  };
}
