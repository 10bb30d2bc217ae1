import type { DataSource } from 'typeorm';
import { prepared } from '../prepared';

/** Rows beyond which they are added up: readers add up the rest. */
const MAX_COUNTS = 500;

/**
 * Adds up the rows that say how many jobs wait, where there are many. Two at once do no harm: each row is taken by one of
 * them, and readers see the rows or their sum.
 */
export async function addUpWaiting(database: DataSource): Promise<void> {
  await database.query(
    prepared(
      'add-up-waiting',
      `WITH gone AS (
         DELETE FROM waiting_counts WHERE (SELECT count(*) > ${MAX_COUNTS} FROM waiting_counts) RETURNING project, review_group, jobs
       )
       INSERT INTO waiting_counts SELECT project, review_group, sum(jobs) FROM gone GROUP BY project, review_group HAVING sum(jobs) <> 0`,
    ),
  );
}
