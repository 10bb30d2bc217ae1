/**
 * The part of a statement that locks the jobs of its CTE `input` in the order of their ids: two statements that change
 * many of the same jobs wait for each other, and neither fails with a deadlock. `locked` is the jobs as nobody else can
 * change them now, also where somebody has since the statement began. To be joined, else it does not run.
 *
 * Guards ask `locked`, in a materialized CTE, and not the table: where its statistics are older than a rush of jobs, a
 * planner that may choose walks the index of all waiting jobs to change one of them. The UPDATE itself asks that the
 * status is still the locked one: it checks the table's constraints on the row as it was when the statement began.
 */
export const LOCKED = `locked AS MATERIALIZED (
  SELECT * FROM jobs WHERE id IN (SELECT "jobId" FROM input) ORDER BY id FOR NO KEY UPDATE
)`;
