import type { MigrationInterface, QueryRunner } from 'typeorm';

const VERBATIM = [
  'payload',
  'response',
  'model_response',
  'original_payload',
  'response_schema',
  'asked_for',
] as const;

const toType = (type: string): string =>
  VERBATIM.map((column) => `ALTER COLUMN ${column} TYPE ${type} USING ${column}::${type}`).join(', ');

/** What the database computes of a job's contents. */
const COMPUTED = `
  ALTER TABLE jobs
    ADD COLUMN released_hash bytea GENERATED ALWAYS AS (CASE WHEN status = 'success' THEN hitl_content_hash(response) END) STORED,
    ADD COLUMN bytes bigint GENERATED ALWAYS AS (
      hitl_bytes(payload)::bigint + hitl_bytes(response) + hitl_bytes(model_response) + hitl_bytes(original_payload)
      + hitl_bytes(held_decision) + hitl_bytes(asked_for) + hitl_bytes(response_schema) + hitl_bytes(metadata)
    ) STORED,
    ADD CONSTRAINT jobs_released_by_decision
      FOREIGN KEY (id, revision, released_hash) REFERENCES decisions (job_id, released_revision, released_hash);`;

const NOT_COMPUTED =
  'ALTER TABLE jobs DROP CONSTRAINT jobs_released_by_decision, DROP COLUMN released_hash, DROP COLUMN bytes;';

/**
 * Contents are the texts that came: `json` keeps order, numbers and escapes, where `jsonb` does not. Hashes are over the
 * text. Nothing here looks into them: `->` and casts fail on escapes that JSON allows, such as \\u0000. What is listed
 * and searched comes with the payload.
 */
export class Verbatim1700000008000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ${NOT_COMPUTED}
      ALTER TABLE jobs ALTER COLUMN model DROP EXPRESSION, ALTER COLUMN asked DROP EXPRESSION;
      DROP FUNCTION asked_of(jsonb);
      DROP FUNCTION hitl_content_hash(jsonb);
      ALTER TABLE jobs ${toType('json')};
      ALTER TABLE decisions ALTER COLUMN patch TYPE json USING patch::json;
      ALTER TABLE drafts ALTER COLUMN content TYPE json USING content::json;

      -- Declared immutable so that generated columns may use them: UTF8 to UTF8 never changes, nor does a text's length.
      CREATE FUNCTION hitl_content_hash(content json) RETURNS bytea
        LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
        AS $$ SELECT sha256(convert_to(content::text, 'UTF8')) $$;
      CREATE FUNCTION hitl_bytes(content json) RETURNS integer
        LANGUAGE sql IMMUTABLE PARALLEL SAFE
        AS $$ SELECT coalesce(octet_length(content::text), 0) $$;
      GRANT EXECUTE ON FUNCTION hitl_content_hash(json), hitl_bytes(json) TO hitl_app;
      ${COMPUTED}
    `);
  }

  /** Keys are sorted again. Fails where a content has what `jsonb` cannot hold. */
  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ${NOT_COMPUTED}
      DROP FUNCTION hitl_content_hash(json);
      DROP FUNCTION hitl_bytes(json);
      ALTER TABLE jobs ${toType('jsonb')};
      ALTER TABLE decisions ALTER COLUMN patch TYPE jsonb USING patch::jsonb;
      ALTER TABLE drafts ALTER COLUMN content TYPE jsonb USING content::jsonb;
      CREATE FUNCTION hitl_content_hash(content jsonb) RETURNS bytea
        LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
        AS $$ SELECT sha256(convert_to(content::text, 'UTF8')) $$;
      GRANT EXECUTE ON FUNCTION hitl_content_hash(jsonb) TO hitl_app;
      ${COMPUTED}
      CREATE FUNCTION asked_of(payload jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
        AS $$ SELECT left(payload #>> '{}', 200) $$;
    `);
  }
}
