import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What the figures about the desk are read from, so that they do not need the jobs themselves. */
export class Learning1700000004000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE INDEX jobs_waiting_since ON jobs (review_group, waiting_since) INCLUDE (model) WHERE status = 'human';
      CREATE INDEX jobs_expired ON jobs (finished_at) WHERE failure_reason = 'expired';
      CREATE INDEX decisions_shadow ON decisions (job_id, revision) INCLUDE (verdict) WHERE shadow;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX jobs_waiting_since, jobs_expired, decisions_shadow');
  }
}
