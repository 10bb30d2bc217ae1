import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How often each key was used in the minute that runs, at all gateways. A crash may empty the table: it is no record. */
export class RequestCounts1700000009100 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE UNLOGGED TABLE request_counts (
        key_id text PRIMARY KEY REFERENCES api_keys (id) ON DELETE CASCADE,
        minute bigint NOT NULL,
        requests bigint NOT NULL CHECK (requests >= 0)
      );
      GRANT SELECT, INSERT, UPDATE ON request_counts TO hitl_app;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE request_counts');
  }
}
