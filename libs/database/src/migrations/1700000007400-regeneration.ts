import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What a job returns to when the model gives no other answer, what reviewers made of its payload, and how an answer
 * breaks what was asked for. No constraint ties `fallback` to `bot`: processes of the version before go on for a while,
 * and leave it where it is.
 */
export class Regeneration1700000007400 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE jobs
        ADD COLUMN feedback_on integer[] NOT NULL DEFAULT '{}',
        ADD COLUMN fallback jsonb,
        ADD COLUMN regeneration_failed jsonb,
        ADD COLUMN original_payload jsonb,
        ADD COLUMN response_violations jsonb,
        ADD CONSTRAINT jobs_fallback_has_an_answer CHECK (fallback IS NULL OR (fallback ? 'response' AND revision > 0));

      UPDATE jobs j SET feedback_on = told.revisions
      FROM (
        SELECT job_id, array_agg(revision ORDER BY id) AS revisions FROM job_events
        WHERE type = 'regenerated' AND data ? 'feedback' GROUP BY job_id
      ) told
      WHERE told.job_id = j.id AND j.status IN ('bot', 'human') AND cardinality(told.revisions) = cardinality(j.feedback);

      UPDATE jobs j SET original_payload = first.payload
      FROM (
        SELECT DISTINCT ON (job_id) job_id, replaced -> 'payload' AS payload FROM job_events
        WHERE replaced ? 'payload' ORDER BY job_id, id
      ) first
      WHERE first.job_id = j.id AND j.status IN ('bot', 'human');
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE jobs DROP CONSTRAINT jobs_fallback_has_an_answer,
        DROP COLUMN feedback_on, DROP COLUMN fallback, DROP COLUMN regeneration_failed, DROP COLUMN original_payload,
        DROP COLUMN response_violations;
    `);
  }
}
