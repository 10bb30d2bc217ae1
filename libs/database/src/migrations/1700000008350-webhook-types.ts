import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Lets webhooks tell of whatever happens to a job: which types there are, `webhook-types.ts` says. */
export class WebhookTypes1700000008350 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE webhook_deliveries DROP CONSTRAINT webhook_deliveries_type_check,
      ADD CONSTRAINT webhook_deliveries_type_check CHECK (type ~ '^(ping|job\\.[a-z_]+)$')`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DELETE FROM webhook_deliveries WHERE type NOT IN ('job.succeeded', 'job.failed', 'ping');
      ALTER TABLE webhook_deliveries DROP CONSTRAINT webhook_deliveries_type_check,
      ADD CONSTRAINT webhook_deliveries_type_check CHECK (type IN ('job.succeeded', 'job.failed', 'ping'))`);
  }
}
