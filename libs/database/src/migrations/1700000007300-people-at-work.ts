import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Who works on an answer when its time runs out, and for how long that may put off what time brings. */
export class PeopleAtWork1700000007300 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE jobs
        ADD COLUMN at_work_until timestamptz,
        ADD COLUMN deadline_grace_seconds integer NOT NULL DEFAULT 900 CHECK (deadline_grace_seconds >= 0);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE jobs DROP COLUMN at_work_until, DROP COLUMN deadline_grace_seconds');
  }
}
