import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Finds the events of a day. They come in the order of time, so an index of a few pages will do, which costs writers nothing. */
export class AuditDays1700000009350 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      'CREATE INDEX job_events_by_day ON job_events USING brin (created_at) WITH (autosummarize = on)',
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX job_events_by_day');
  }
}
