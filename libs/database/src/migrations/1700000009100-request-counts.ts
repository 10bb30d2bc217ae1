import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The requests of each key, and of each person who signs in at a provider, in the minute that runs, at all gateways. A crash may empty the table: it is no record. */
export class RequestCounts1700000009100 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE UNLOGGED TABLE request_counts (
        -- The id of a key, or project/name of a person.
        caller text PRIMARY KEY,
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
