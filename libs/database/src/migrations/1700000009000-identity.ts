import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * API keys and browsers' sessions, both by a hash alone. The services' role cannot change the hash, the owner or the role
 * of a key: only end it, and note its use.
 */
export class Identity1700000009000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- Hashes keys and sessions where AUTH_SECRET is not set.
      CREATE TABLE auth_secret (
        singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
        secret bytea NOT NULL CHECK (octet_length(secret) = 32)
      );

      CREATE TABLE api_keys (
        id text PRIMARY KEY CHECK (id ~ '^[0-9a-f]{16}$'),
        hash bytea NOT NULL CHECK (octet_length(hash) = 32),
        project text NOT NULL CHECK (project <> ''),
        owner text NOT NULL CHECK (owner <> ''),
        role text NOT NULL CHECK (role IN ('submitter', 'reviewer', 'lead', 'auditor', 'admin')),
        scopes text[] CHECK (cardinality(scopes) > 0),
        created_at timestamptz NOT NULL DEFAULT now(),
        created_by text NOT NULL,
        expires_at timestamptz,
        revoked_at timestamptz,
        revoked_by text,
        last_used_at timestamptz,
        replaced_by text REFERENCES api_keys (id),
        CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
      );

      CREATE TABLE sessions (
        hash bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
        key_id text NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz NOT NULL
      );
      CREATE INDEX sessions_by_end ON sessions (expires_at);

      GRANT SELECT, INSERT ON auth_secret, api_keys TO hitl_app;
      GRANT UPDATE (expires_at, revoked_at, revoked_by, last_used_at, replaced_by) ON api_keys TO hitl_app;
      GRANT SELECT, INSERT, DELETE ON sessions TO hitl_app;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE sessions, api_keys, auth_secret');
  }
}
