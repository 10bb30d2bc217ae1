import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Finds the webhooks that tell of one job. */
export class JobDeliveries1700000006000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE INDEX webhook_deliveries_by_job ON webhook_deliveries (job_id, created_at)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX webhook_deliveries_by_job');
  }
}
