import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How large a job is, kept with it, so that lists can end a page by bytes without reading what is on it. */
export class JobBytes1700000007700 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- Of the value itself, which the empty path unpacks; of a stored one pg_column_size tells the compressed size.
      -- Declared immutable so that a generated column may use it: the size depends on nothing but the value.
      CREATE FUNCTION hitl_bytes(content jsonb) RETURNS integer
        LANGUAGE sql IMMUTABLE PARALLEL SAFE
        AS $$ SELECT coalesce(pg_column_size(content #> '{}'), 0) $$;
      GRANT EXECUTE ON FUNCTION hitl_bytes(jsonb) TO hitl_app;

      ALTER TABLE jobs ADD COLUMN bytes bigint GENERATED ALWAYS AS (
        hitl_bytes(payload)::bigint + hitl_bytes(response) + hitl_bytes(model_response) + hitl_bytes(original_payload)
        + hitl_bytes(held_decision) + hitl_bytes(asked_for) + hitl_bytes(response_schema) + hitl_bytes(metadata)
      ) STORED;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE jobs DROP COLUMN bytes;
      DROP FUNCTION hitl_bytes(jsonb);
    `);
  }
}
