import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What each statement on jobs and events computes, planned once per connection: PostgreSQL parses and plans an SQL function
 * anew for every statement, where it cannot inline it. And an index for what waits for one model, of which there may be few
 * among a million.
 */
export class LeanStatements1700000008200 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    const [{ schema }] = (await runner.query('SELECT quote_ident(current_schema()) AS schema')) as [
      { schema: string },
    ];
    await runner.query(`
      CREATE OR REPLACE FUNCTION hitl_content_hash(content json) RETURNS bytea
        LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
        AS $$ BEGIN RETURN sha256(convert_to(content::text, 'UTF8')); END $$;
      CREATE OR REPLACE FUNCTION hitl_bytes(content json) RETURNS integer
        LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
        AS $$ BEGIN RETURN coalesce(octet_length(content::text), 0); END $$;
      CREATE OR REPLACE FUNCTION hitl_bytes(content jsonb) RETURNS integer
        LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
        AS $$ BEGIN RETURN coalesce(pg_column_size(content #> '{}'), 0); END $$;
      CREATE OR REPLACE FUNCTION hitl_epoch() RETURNS integer LANGUAGE plpgsql STABLE
        AS $$ BEGIN RETURN (SELECT max(epoch) FROM ${schema}.event_epochs); END $$;

      CREATE INDEX jobs_waiting_of_model ON jobs (project, model, priority DESC, id) WHERE status = 'human';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    const [{ schema }] = (await runner.query('SELECT quote_ident(current_schema()) AS schema')) as [
      { schema: string },
    ];
    await runner.query(`
      DROP INDEX jobs_waiting_of_model;
      CREATE OR REPLACE FUNCTION hitl_epoch() RETURNS integer LANGUAGE sql STABLE
        RETURN (SELECT max(epoch) FROM ${schema}.event_epochs);
      CREATE OR REPLACE FUNCTION hitl_bytes(content jsonb) RETURNS integer
        LANGUAGE sql IMMUTABLE PARALLEL SAFE
        AS $$ SELECT coalesce(pg_column_size(content #> '{}'), 0) $$;
      CREATE OR REPLACE FUNCTION hitl_bytes(content json) RETURNS integer
        LANGUAGE sql IMMUTABLE PARALLEL SAFE
        AS $$ SELECT coalesce(octet_length(content::text), 0) $$;
      CREATE OR REPLACE FUNCTION hitl_content_hash(content json) RETURNS bytea
        LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
        AS $$ SELECT sha256(convert_to(content::text, 'UTF8')) $$;
    `);
  }
}
