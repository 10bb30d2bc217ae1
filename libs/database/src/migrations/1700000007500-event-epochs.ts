import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The order of events no longer rests on transaction ids alone. A promoted standby that was behind hands the same ids out
 * again, and a restored database begins at small ones: what is written there belongs to a new epoch, which comes first in the
 * order and travels with the data. Each connection of a service opens the epoch of its server's history before it writes.
 */
export class EventEpochs1700000007500 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    const [{ schema }] = (await runner.query('SELECT quote_ident(current_schema()) AS schema')) as [
      { schema: string },
    ];
    await runner.query(`
      CREATE TABLE event_epochs (
        epoch integer PRIMARY KEY,
        history text NOT NULL,
        began_at timestamptz NOT NULL DEFAULT now()
      );

      -- Which history this server writes: its own identity, which a restored dump has not, and its timeline, which a
      -- promotion ends. Null where neither may be known: then it is always the same one.
      CREATE FUNCTION hitl_history() RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
        BEGIN
          RETURN (SELECT system_identifier FROM pg_control_system()) || '/' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8);
        EXCEPTION WHEN insufficient_privilege OR undefined_function OR feature_not_supported THEN
          RETURN NULL;
        END $$;

      CREATE FUNCTION hitl_open_epoch() RETURNS integer
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, ${schema}, pg_temp
        AS $$
        BEGIN
          -- Of several that see the same change one opens the epoch; the others wait for it.
          INSERT INTO event_epochs (epoch, history)
          SELECT last.epoch + 1, hitl_history() FROM (SELECT epoch, history FROM event_epochs ORDER BY epoch DESC LIMIT 1) last
          WHERE last.history <> hitl_history()
          ON CONFLICT DO NOTHING;
          RETURN hitl_epoch();
        END $$;

      CREATE FUNCTION hitl_epoch() RETURNS integer LANGUAGE sql STABLE
        RETURN (SELECT max(epoch) FROM ${schema}.event_epochs);

      -- The events of a database that was restored before this version have a history of their own.
      INSERT INTO event_epochs (epoch, history)
      SELECT 1, CASE WHEN EXISTS (SELECT FROM job_events WHERE xid >= pg_snapshot_xmax(pg_current_snapshot())) THEN 'unknown'
                ELSE coalesce(hitl_history(), 'unknown') END;

      ALTER TABLE job_events ADD COLUMN epoch integer NOT NULL DEFAULT 1;
      ALTER TABLE job_events ALTER COLUMN epoch SET DEFAULT hitl_epoch();
      CREATE INDEX job_events_by_epoch ON job_events (epoch, xid, id);
      DROP INDEX job_events_in_order;
      GRANT SELECT ON event_epochs TO hitl_app;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE INDEX job_events_in_order ON job_events (xid, id);
      DROP INDEX job_events_by_epoch;
      ALTER TABLE job_events DROP COLUMN epoch;
      DROP FUNCTION hitl_open_epoch();
      DROP FUNCTION hitl_epoch();
      DROP FUNCTION hitl_history();
      DROP TABLE event_epochs;
    `);
  }
}
