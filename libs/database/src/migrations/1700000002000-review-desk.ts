import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The review desk: plans, claims, votes, decisions that can still be undone, deadlines, drafts, and what stats read. */
export class ReviewDesk1700000002000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE jobs
        ADD COLUMN submitter text NOT NULL DEFAULT 'local',
        ADD COLUMN model text GENERATED ALWAYS AS (
          CASE jsonb_typeof(payload -> 'model') WHEN 'string' THEN left(payload ->> 'model', 200) END) STORED,
        ADD COLUMN response_schema jsonb,
        ADD COLUMN model_response jsonb,
        ADD COLUMN regenerations smallint NOT NULL DEFAULT 0,
        ADD COLUMN waiting_since timestamptz,
        ADD COLUMN planned_at timestamptz,
        ADD COLUMN rule text,
        ADD COLUMN policy_hash text,
        ADD COLUMN approvals smallint NOT NULL DEFAULT 1 CHECK (approvals BETWEEN 1 AND 10),
        ADD COLUMN four_eyes boolean NOT NULL DEFAULT false,
        ADD COLUMN review_group text NOT NULL DEFAULT '',
        ADD COLUMN approved_by text[] NOT NULL DEFAULT '{}',
        ADD COLUMN rejected_by text[] NOT NULL DEFAULT '{}',
        ADD COLUMN remind_at timestamptz,
        ADD COLUMN escalate_at timestamptz,
        ADD COLUMN escalate_to text,
        ADD COLUMN escalated_at timestamptz,
        ADD COLUMN deadline_at timestamptz,
        ADD COLUMN on_deadline text CHECK (on_deadline IN ('fail', 'approve')),
        ADD COLUMN claimed_by text,
        ADD COLUMN claimed_at timestamptz,
        ADD COLUMN claimed_until timestamptz,
        ADD COLUMN claim_id uuid,
        ADD COLUMN held_decision jsonb,
        ADD COLUMN held_until timestamptz;
      UPDATE jobs SET waiting_since = updated_at WHERE status = 'human';
      ALTER TABLE jobs
        ADD COLUMN next_step_at timestamptz GENERATED ALWAYS AS
          (coalesce(held_until, least(remind_at, escalate_at, deadline_at))) STORED,
        ADD CONSTRAINT jobs_human_waits CHECK ((status = 'human') = (waiting_since IS NOT NULL)),
        ADD CONSTRAINT jobs_desk_only_in_human CHECK (
          status = 'human' OR num_nonnulls(remind_at, escalate_at, deadline_at, claimed_by, held_decision) = 0),
        ADD CONSTRAINT jobs_claim_is_whole CHECK (num_nulls(claimed_by, claimed_at, claimed_until, claim_id) IN (0, 4)),
        ADD CONSTRAINT jobs_held_is_whole CHECK (num_nulls(held_decision, held_until) IN (0, 2)),
        ADD CONSTRAINT jobs_deadline_has_an_end CHECK (deadline_at IS NULL OR on_deadline IS NOT NULL);

      CREATE INDEX jobs_waiting_in_group ON jobs (review_group, priority DESC, id) WHERE status = 'human';
      CREATE INDEX jobs_unplanned ON jobs (waiting_since) WHERE status = 'human' AND planned_at IS NULL;
      CREATE INDEX jobs_next_step ON jobs (next_step_at) WHERE next_step_at IS NOT NULL;
      CREATE INDEX jobs_claimed ON jobs (claimed_by) WHERE claimed_by IS NOT NULL;
      CREATE UNIQUE INDEX jobs_held_once ON jobs ((held_decision ->> 'id')) WHERE held_decision IS NOT NULL;
      CREATE INDEX jobs_finished ON jobs (finished_at, id) WHERE finished_at IS NOT NULL;

      ALTER TABLE decisions
        DROP CONSTRAINT decisions_release_only_what_was_approved,
        ADD COLUMN request_hash bytea,
        ADD COLUMN final boolean NOT NULL DEFAULT true,
        ADD COLUMN automatic boolean NOT NULL DEFAULT false,
        ADD COLUMN shadow boolean NOT NULL DEFAULT false,
        ADD COLUMN at_deadline boolean NOT NULL DEFAULT false,
        ADD COLUMN approvals smallint NOT NULL DEFAULT 1,
        ADD COLUMN model text,
        ADD COLUMN rule text,
        ADD COLUMN policy_hash text,
        ADD COLUMN reason_code text,
        ADD COLUMN submitter_message text,
        ADD COLUMN patch jsonb,
        ADD COLUMN text_diff text,
        ADD COLUMN edit_distance real,
        ADD COLUMN waiting_since timestamptz,
        ADD COLUMN claimed_at timestamptz,
        ADD CONSTRAINT decisions_release_only_what_was_approved CHECK (
          (released_revision IS NOT NULL) = (verdict IN ('approve', 'edit') AND final)
          AND (released_revision IS NULL) = (released_hash IS NULL)
        ),
        ADD CONSTRAINT decisions_shadow_decides_nothing CHECK (NOT shadow OR (automatic AND NOT final)),
        ADD CONSTRAINT decisions_automatic_has_a_rule CHECK (NOT automatic OR (rule IS NOT NULL AND policy_hash IS NOT NULL));
      CREATE INDEX decisions_by_time ON decisions (created_at, id);
      CREATE INDEX decisions_by_job ON decisions (job_id);

      ALTER TABLE job_events ADD COLUMN policy_hash text;

      CREATE TABLE drafts (
        job_id uuid NOT NULL REFERENCES jobs (id),
        actor text NOT NULL,
        revision integer NOT NULL,
        content jsonb NOT NULL,
        updated_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (job_id, actor)
      );
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE drafts;
      ALTER TABLE job_events DROP COLUMN policy_hash;
      DROP INDEX decisions_by_time, decisions_by_job;
      ALTER TABLE decisions
        DROP CONSTRAINT decisions_release_only_what_was_approved,
        DROP CONSTRAINT decisions_shadow_decides_nothing, DROP CONSTRAINT decisions_automatic_has_a_rule,
        DROP COLUMN request_hash, DROP COLUMN final, DROP COLUMN automatic, DROP COLUMN shadow, DROP COLUMN at_deadline,
        DROP COLUMN approvals, DROP COLUMN model, DROP COLUMN rule, DROP COLUMN policy_hash, DROP COLUMN reason_code,
        DROP COLUMN submitter_message, DROP COLUMN patch, DROP COLUMN text_diff, DROP COLUMN edit_distance,
        DROP COLUMN waiting_since, DROP COLUMN claimed_at,
        ADD CONSTRAINT decisions_release_only_what_was_approved CHECK (
          (verdict IN ('approve', 'edit')) = (released_revision IS NOT NULL)
          AND (released_revision IS NULL) = (released_hash IS NULL)
        ) NOT VALID;
      DROP INDEX jobs_waiting_in_group, jobs_unplanned, jobs_next_step, jobs_claimed, jobs_held_once, jobs_finished;
      ALTER TABLE jobs
        DROP CONSTRAINT jobs_human_waits, DROP CONSTRAINT jobs_desk_only_in_human, DROP CONSTRAINT jobs_claim_is_whole,
        DROP CONSTRAINT jobs_held_is_whole, DROP CONSTRAINT jobs_deadline_has_an_end,
        DROP COLUMN next_step_at, DROP COLUMN submitter, DROP COLUMN model, DROP COLUMN response_schema, DROP COLUMN model_response,
        DROP COLUMN regenerations, DROP COLUMN waiting_since, DROP COLUMN planned_at, DROP COLUMN rule,
        DROP COLUMN policy_hash, DROP COLUMN approvals, DROP COLUMN four_eyes, DROP COLUMN review_group,
        DROP COLUMN approved_by, DROP COLUMN rejected_by, DROP COLUMN remind_at, DROP COLUMN escalate_at,
        DROP COLUMN escalate_to, DROP COLUMN escalated_at, DROP COLUMN deadline_at, DROP COLUMN on_deadline,
        DROP COLUMN claimed_by, DROP COLUMN claimed_at, DROP COLUMN claimed_until, DROP COLUMN claim_id,
        DROP COLUMN held_decision, DROP COLUMN held_until;
    `);
  }
}
