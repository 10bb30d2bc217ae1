import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A chain of hashes over each job's events, and the role that the services work as, which can only add to it.
 *
 * The trigger owns `seq` and `hash`: the application may not write `event_chains`, and what it passes is overwritten.
 * The content that a hash covers is written once more where it is verified: libs/domain/src/jobs/event-chain.ts.
 */
export class Audit1700000003000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    const [{ schema }] = (await runner.query('SELECT quote_ident(current_schema()) AS schema')) as [
      { schema: string },
    ];
    await runner.query(`
      ALTER TABLE job_events ADD COLUMN seq integer, ADD COLUMN hash bytea;

      -- The newest event of each job: without it nobody would miss a chain's end.
      CREATE TABLE event_chains (
        job_id uuid PRIMARY KEY,
        seq integer NOT NULL,
        hash bytea NOT NULL
      ) WITH (fillfactor = 60);

      CREATE FUNCTION hitl_chain_event() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
        -- Everything is named with its schema: a function with a search path of its own sets it at each call.
        AS $$
        DECLARE
          -- Text that neither time zone nor any other setting changes; null and JSON's null differ.
          content pg_catalog.bytea := pg_catalog.convert_to(pg_catalog.jsonb_build_array(
            NEW.id, NEW.job_id, NEW.type, NEW.status, NEW.revision, NEW.actor, NEW.policy_hash, NEW.data::pg_catalog.text,
            NEW.replaced::pg_catalog.text, pg_catalog.extract('epoch', NEW.created_at))::pg_catalog.text, 'UTF8');
        BEGIN
          -- Locks the job's chain until the transaction ends, so that two writers never continue the same event.
          INSERT INTO ${schema}.event_chains AS chain (job_id, seq, hash)
          VALUES (NEW.job_id, 1, pg_catalog.sha256(
            pg_catalog.decode(pg_catalog.repeat('00', 32), 'hex') OPERATOR(pg_catalog.||) pg_catalog.int4send(1) OPERATOR(pg_catalog.||) content))
          ON CONFLICT (job_id) DO UPDATE
            SET seq = chain.seq OPERATOR(pg_catalog.+) 1,
                hash = pg_catalog.sha256(chain.hash OPERATOR(pg_catalog.||) pg_catalog.int4send(chain.seq OPERATOR(pg_catalog.+) 1) OPERATOR(pg_catalog.||) content)
          RETURNING chain.seq, chain.hash INTO NEW.seq, NEW.hash;
          RETURN NEW;
        END $$;

      CREATE TRIGGER job_events_chain BEFORE UPDATE ON job_events FOR EACH ROW EXECUTE FUNCTION hitl_chain_event();
      DO $$
      DECLARE
        event bigint;
      BEGIN
        FOR event IN SELECT id FROM job_events ORDER BY job_id, id LOOP
          UPDATE job_events SET seq = NULL WHERE id = event;
        END LOOP;
      END $$;
      DROP TRIGGER job_events_chain ON job_events;
      CREATE TRIGGER job_events_chain BEFORE INSERT ON job_events FOR EACH ROW EXECUTE FUNCTION hitl_chain_event();
      ALTER TABLE job_events ALTER COLUMN seq SET NOT NULL, ALTER COLUMN hash SET NOT NULL;
    `);
    await runner.query(`
      DO $$
      DECLARE
        remedy text := format('Have an administrator run: CREATE ROLE hitl_app NOLOGIN; GRANT hitl_app TO %I; and migrate again.', session_user);
      BEGIN
        -- Roles belong to the whole server: another database may have made it, even in this moment.
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'hitl_app') THEN
          BEGIN
            CREATE ROLE hitl_app NOLOGIN;
          EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
          END;
        END IF;
        BEGIN
          SET LOCAL ROLE hitl_app;
          RESET ROLE;
        EXCEPTION WHEN insufficient_privilege THEN
          BEGIN
            GRANT hitl_app TO SESSION_USER;
          EXCEPTION WHEN unique_violation THEN NULL;
          END;
        END;
      EXCEPTION WHEN insufficient_privilege THEN
        RAISE EXCEPTION 'The database user % may not create or hand on the role hitl_app, which the services work as. %', session_user, remedy
          USING ERRCODE = 'insufficient_privilege';
      END $$;

      GRANT USAGE ON SCHEMA ${schema} TO hitl_app;
      GRANT SELECT ON migrations, event_chains TO hitl_app;
      GRANT SELECT, INSERT ON job_events, decisions TO hitl_app;
      GRANT SELECT, INSERT, UPDATE ON jobs TO hitl_app;
      GRANT SELECT, INSERT, UPDATE, DELETE ON outbox, drafts, webhook_endpoints, webhook_deliveries, webhook_attempts TO hitl_app;
      GRANT EXECUTE ON FUNCTION hitl_content_hash, hitl_add_usage TO hitl_app;
    `);
  }

  /** The role stays: it may be another database's, too. */
  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      REVOKE ALL ON migrations, event_chains, job_events, decisions, jobs, outbox, drafts, webhook_endpoints, webhook_deliveries,
        webhook_attempts FROM hitl_app;
      DROP TRIGGER job_events_chain ON job_events;
      DROP FUNCTION hitl_chain_event();
      DROP TABLE event_chains;
      ALTER TABLE job_events DROP COLUMN seq, DROP COLUMN hash;
    `);
  }
}
