/** What an UPDATE of a job sets when the job leaves `human`: nothing of the desk stays with it. */
export const OFF_DESK = `waiting_since = NULL, remind_at = NULL, escalate_at = NULL, deadline_at = NULL,
  claimed_by = NULL, claimed_at = NULL, claimed_until = NULL, claim_id = NULL, held_decision = NULL, held_until = NULL, at_work_until = NULL`;

/** The part of a statement that throws away the drafts of jobs that have ended. Expects a CTE `job` with id and status. */
export const DRAFTS_GONE = `drafts_gone AS (
  DELETE FROM drafts d USING job WHERE d.job_id = job.id AND job.status IN ('success', 'fail')
)`;
