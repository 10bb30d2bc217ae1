/**
 * The part of a statement that locks the jobs of its CTE `input` in the order of their ids: two statements that change
 * many of the same jobs wait for each other, and neither fails with a deadlock. To be joined, else it does not run.
 */
export const LOCKED = `locked AS MATERIALIZED (
  SELECT id FROM jobs WHERE id IN (SELECT "jobId" FROM input) ORDER BY id FOR NO KEY UPDATE
)`;
