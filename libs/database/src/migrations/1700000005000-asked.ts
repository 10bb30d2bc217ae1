import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What was asked, in one line: what the reviewers' list shows and searches. */
export class Asked1700000005000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- The last user message of a chat, or of a response's input; else the prompt; else the payload as it is.
      CREATE FUNCTION asked_of(payload jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT left(btrim(regexp_replace(left(coalesce(
          (SELECT CASE jsonb_typeof(message -> 'content')
                    WHEN 'string' THEN message ->> 'content'
                    WHEN 'array' THEN (SELECT string_agg(part ->> 'text', ' ') FROM jsonb_array_elements(message -> 'content') part)
                  END
           FROM jsonb_array_elements(
             CASE 'array' WHEN jsonb_typeof(payload -> 'messages') THEN payload -> 'messages'
                          WHEN jsonb_typeof(payload -> 'input') THEN payload -> 'input' END
           ) WITH ORDINALITY turn (message, number)
           WHERE message ->> 'role' = 'user' ORDER BY number DESC LIMIT 1),
          CASE jsonb_typeof(payload -> 'input') WHEN 'string' THEN payload ->> 'input' END,
          CASE jsonb_typeof(payload -> 'prompt') WHEN 'string' THEN payload ->> 'prompt' END,
          payload #>> '{}'
        ), 1000), '\\s+', ' ', 'g')), 200)
      $$;
      ALTER TABLE jobs ADD COLUMN asked text GENERATED ALWAYS AS (asked_of(payload)) STORED;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE jobs DROP COLUMN asked;
      DROP FUNCTION asked_of;
    `);
  }
}
