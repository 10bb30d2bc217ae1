import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * People who sign in at an OpenID provider: each keeps the name of the first time. Their sessions keep what the provider
 * said of them, and its tokens, encrypted. Every session ends also when nobody uses it.
 */
export class People1700000009200 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE people (
        issuer text NOT NULL,
        subject text NOT NULL CHECK (subject <> ''),
        name text NOT NULL UNIQUE CHECK (name <> ''),
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (issuer, subject)
      );

      ALTER TABLE sessions
        ALTER COLUMN key_id DROP NOT NULL,
        ADD COLUMN used_at timestamptz NOT NULL DEFAULT now(),
        ADD COLUMN issuer text,
        ADD COLUMN subject text,
        -- Of the session at the provider.
        ADD COLUMN sid text,
        ADD COLUMN project text,
        ADD COLUMN roles text[],
        ADD COLUMN groups text[],
        ADD COLUMN tokens text,
        -- When the provider said so; null: it cannot be asked again.
        ADD COLUMN checked_at timestamptz,
        -- Until then one gateway asks it.
        ADD COLUMN checking_until timestamptz,
        ADD FOREIGN KEY (issuer, subject) REFERENCES people,
        ADD CHECK ((key_id IS NULL) = (subject IS NOT NULL)),
        ADD CHECK (num_nulls(issuer, subject, project, roles, groups, tokens) IN (0, 6));
      CREATE INDEX sessions_by_subject ON sessions (issuer, subject) WHERE subject IS NOT NULL;
      CREATE INDEX sessions_by_sid ON sessions (issuer, sid) WHERE sid IS NOT NULL;

      GRANT SELECT, INSERT ON people TO hitl_app;
      GRANT UPDATE (used_at, project, roles, groups, tokens, checked_at, checking_until) ON sessions TO hitl_app;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DELETE FROM sessions WHERE key_id IS NULL;
      ALTER TABLE sessions DROP COLUMN used_at, DROP COLUMN issuer, DROP COLUMN subject, DROP COLUMN sid, DROP COLUMN project,
        DROP COLUMN roles, DROP COLUMN groups, DROP COLUMN tokens, DROP COLUMN checked_at, DROP COLUMN checking_until;
      ALTER TABLE sessions ALTER COLUMN key_id SET NOT NULL;
      DROP TABLE people;
      REVOKE UPDATE ON sessions FROM hitl_app;
    `);
  }
}
