/**
 * Milliseconds that a statement for several jobs waits for rows that somebody else has, below PostgreSQL's deadlock_timeout.
 * Then the batcher tries each job alone, with the connection's own patience, so that one locked row does not stop the others.
 */
const BATCH_LOCK_TIMEOUT_MS = 250;

/**
 * The part of a statement that locks the jobs of its CTE `input` in the order of their ids: two statements that change
 * many of the same jobs wait for each other, and neither fails with a deadlock. `locked` is the jobs as nobody else can
 * change them now, also where somebody has since the statement began. To be joined, else it does not run. It has the id, the
 * status and the `columns`: each step of a plan sets up and copies every column that it is given, of sixty.
 * Their ids are an array, of which the planner assumes ten: of a CTE it assumes a hundred, and reads small tables whole.
 *
 * Guards ask `locked`, in a materialized CTE, and not the table: where its statistics are older than a rush of jobs, a
 * planner that may choose walks the index of all waiting jobs to change one of them. The UPDATE itself asks that the
 * status is still the locked one: it checks the table's constraints on the row as it was when the statement began.
 */
export const locked = (...columns: string[]): string => `locked AS MATERIALIZED (
  SELECT ${['id', 'status', ...columns].join(', ')} FROM jobs
  WHERE id = ANY (ARRAY(SELECT "jobId" FROM input))
    -- Before the first lock, and for this statement only.
    AND (SELECT set_config('lock_timeout', CASE WHEN count(*) > 1 THEN '${BATCH_LOCK_TIMEOUT_MS}' ELSE current_setting('lock_timeout') END, true)
         FROM input) IS NOT NULL
  ORDER BY id FOR NO KEY UPDATE
)`;

/** Two changes of one job never share a statement. */
export function byJob(item: { jobId: string }): string {
  return item.jobId;
}
