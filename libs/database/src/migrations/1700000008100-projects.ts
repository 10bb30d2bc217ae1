import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The indexes behind what callers list and count: their columns, and what follows them. */
const INDEXES = {
  jobs_by_status: ['jobs', 'status, id', ''],
  jobs_waiting: ['jobs', 'priority DESC, id', "WHERE status = 'human'"],
  jobs_waiting_in_group: ['jobs', 'review_group, priority DESC, id', "WHERE status = 'human'"],
  jobs_waiting_since: ['jobs', 'review_group, waiting_since', "INCLUDE (model) WHERE status = 'human'"],
  jobs_finished: ['jobs', 'finished_at, id', 'WHERE finished_at IS NOT NULL'],
  jobs_expired: ['jobs', 'finished_at', "WHERE failure_reason = 'expired'"],
  decisions_by_time: ['decisions', 'created_at, id', ''],
};

const recreated = (lead: string): string =>
  Object.entries(INDEXES)
    .map(
      ([name, [table, columns, rest]]) =>
        `DROP INDEX ${name}; CREATE INDEX ${name} ON ${table} (${lead}${columns}) ${rest};`,
    )
    .join('\n');

/**
 * Callers read one project at a time, so the indexes begin with it. Decisions carry their job's project, since they are
 * counted without their jobs; the default is for processes of the version before, which know one project.
 */
export class Projects1700000008100 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE decisions ADD COLUMN project text NOT NULL DEFAULT 'default';
      UPDATE decisions d SET project = j.project FROM jobs j WHERE j.id = d.job_id AND j.project <> d.project;
      ${recreated('project, ')}
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ${recreated('')}
      ALTER TABLE decisions DROP COLUMN project;
    `);
  }
}
