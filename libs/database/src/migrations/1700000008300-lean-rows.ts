import type { MigrationInterface, QueryRunner } from 'typeorm';

const VERBATIM = [
  'payload',
  'response',
  'model_response',
  'original_payload',
  'asked_for',
  'response_schema',
];

/** SQL for the bytes of a job's contents, by `bytesOf` one. */
const bytesBy = (bytesOf: (content: string) => string): string =>
  [...VERBATIM, 'held_decision', 'metadata'].map(bytesOf).join(' + ');

const addBytes = (expression: string): string =>
  `ALTER TABLE jobs DROP COLUMN bytes, ADD COLUMN bytes bigint GENERATED ALWAYS AS (${expression}) STORED;`;

/**
 * What is computed for each row that is written. A function in SQL or PL/pgSQL costs more than what it computes: sizes are
 * expressions, which PostgreSQL takes into the statement, and usage is added up by a function that is planned once.
 */
export class LeanRows1700000008300 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ${addBytes(bytesBy((content) => `coalesce(octet_length(${content}::text), 0)`))}
      DROP FUNCTION hitl_bytes(json);

      CREATE OR REPLACE FUNCTION hitl_add_usage(a jsonb, b jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
        AS $$ BEGIN
          RETURN coalesce(a, '{}') || (
            SELECT jsonb_object_agg(key, coalesce((a ->> key)::numeric, 0) + value::text::numeric) FROM jsonb_each(b));
        END $$;

      -- decisions_released_once begins with the job, too.
      DROP INDEX decisions_by_job;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE INDEX decisions_by_job ON decisions (job_id);
      CREATE OR REPLACE FUNCTION hitl_add_usage(a jsonb, b jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE
        AS $$ SELECT coalesce(a, '{}') || (
                SELECT jsonb_object_agg(key, coalesce((a ->> key)::numeric, 0) + value::text::numeric) FROM jsonb_each(b)) $$;
      CREATE FUNCTION hitl_bytes(content json) RETURNS integer
        LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
        AS $$ BEGIN RETURN coalesce(octet_length(content::text), 0); END $$;
      GRANT EXECUTE ON FUNCTION hitl_bytes(json) TO hitl_app;
      ${addBytes(bytesBy((content) => `hitl_bytes(${content})::bigint`))}
    `);
  }
}
