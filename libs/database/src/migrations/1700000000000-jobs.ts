import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Jobs, their events and decisions, and the outbox.
 *
 * No unreviewed answer can be `success`, whatever the code does: `released_hash` is the database's own SHA-256 of
 * the response of a successful job, and the foreign key `jobs_released_by_decision` demands a decision that
 * released exactly this revision with exactly this hash.
 */
export class Jobs1700000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- Declared immutable so that a generated column may use it: UTF8 to UTF8 never changes.
      CREATE FUNCTION hitl_content_hash(content jsonb) RETURNS bytea
        LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
        AS $$ SELECT sha256(convert_to(content::text, 'UTF8')) $$;

      CREATE TABLE jobs (
        id uuid PRIMARY KEY,
        status text NOT NULL CHECK (status IN ('bot', 'human', 'success', 'fail')),
        payload jsonb NOT NULL,
        response jsonb,
        revision integer NOT NULL DEFAULT 0 CHECK (revision >= 0),
        attempts integer NOT NULL DEFAULT 0,
        round_attempts integer NOT NULL DEFAULT 0,
        priority smallint NOT NULL DEFAULT 0 CHECK (priority BETWEEN 0 AND 9),
        metadata jsonb NOT NULL DEFAULT '{}',
        feedback text[] NOT NULL DEFAULT '{}',
        failure_reason text CHECK (failure_reason IN ('inference_failed', 'rejected', 'expired', 'cancelled')),
        failure_detail text,
        lease_token uuid,
        lease_until timestamptz,
        next_kick_at timestamptz,
        kicks smallint NOT NULL DEFAULT 0,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        finished_at timestamptz,
        released_hash bytea GENERATED ALWAYS AS (CASE WHEN status = 'success' THEN hitl_content_hash(response) END) STORED,
        CONSTRAINT jobs_bot_can_go_on CHECK (status <> 'bot' OR (response IS NULL AND next_kick_at IS NOT NULL)),
        CONSTRAINT jobs_human_has_an_answer CHECK (status <> 'human' OR (response IS NOT NULL AND revision > 0)),
        CONSTRAINT jobs_success_has_an_answer CHECK (status <> 'success' OR (response IS NOT NULL AND revision > 0)),
        CONSTRAINT jobs_fail_has_a_reason CHECK ((status = 'fail') = (failure_reason IS NOT NULL)),
        CONSTRAINT jobs_final_has_an_end CHECK ((status IN ('success', 'fail')) = (finished_at IS NOT NULL)),
        CONSTRAINT jobs_lease_only_in_bot CHECK (status = 'bot' OR (lease_token IS NULL AND lease_until IS NULL AND next_kick_at IS NULL))
      );

      CREATE TABLE decisions (
        id uuid PRIMARY KEY,
        job_id uuid NOT NULL REFERENCES jobs (id),
        revision integer NOT NULL,
        verdict text NOT NULL CHECK (verdict IN ('approve', 'edit', 'reject', 'regenerate')),
        actor text NOT NULL,
        reason text,
        feedback text,
        released_revision integer,
        released_hash bytea,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT decisions_release_only_what_was_approved CHECK (
          (verdict IN ('approve', 'edit')) = (released_revision IS NOT NULL)
          AND (released_revision IS NULL) = (released_hash IS NULL)
        ),
        CONSTRAINT decisions_released_once UNIQUE (job_id, released_revision, released_hash)
      );

      ALTER TABLE jobs ADD CONSTRAINT jobs_released_by_decision
        FOREIGN KEY (id, revision, released_hash) REFERENCES decisions (job_id, released_revision, released_hash);

      CREATE TABLE job_events (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        job_id uuid NOT NULL,
        type text NOT NULL,
        status text NOT NULL,
        revision integer NOT NULL,
        actor text NOT NULL,
        data jsonb,
        replaced jsonb,
        created_at timestamptz NOT NULL DEFAULT now()
      );
      CREATE INDEX job_events_by_job ON job_events (job_id, id);

      CREATE TABLE outbox (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        pattern text NOT NULL,
        job_id uuid NOT NULL,
        due_at timestamptz NOT NULL
      ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
      CREATE INDEX outbox_due ON outbox (due_at);

      CREATE INDEX jobs_by_status ON jobs (status, id);
      CREATE INDEX jobs_overdue ON jobs (next_kick_at) WHERE status = 'bot';
      CREATE INDEX jobs_waiting ON jobs (priority DESC, id) WHERE status = 'human';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE jobs DROP CONSTRAINT jobs_released_by_decision;
      DROP TABLE outbox, job_events, decisions, jobs;
      DROP FUNCTION hitl_content_hash(jsonb);
    `);
  }
}
