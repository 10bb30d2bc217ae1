import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What the model's provider said of a job that failed for good, and what a submitter asked for on a door that translates. */
export class ModelFailure1700000007200 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE jobs ADD COLUMN model_failure jsonb, ADD COLUMN asked_for jsonb');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE jobs DROP COLUMN model_failure, DROP COLUMN asked_for');
  }
}
