import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What an event says beside contents: all else that is in its data is erased, also what later versions add. */
const FACTS = [
  'approvals',
  'at_deadline',
  'deadline_at',
  'deadline_grace_seconds',
  'decision_id',
  'four_eyes',
  'group',
  'judged_revision',
  'note_id',
  'on_deadline',
  'provider',
  'reason_code',
  'response_hash',
  'restored_revision',
  'rule',
  'shadow_verdict',
  'until',
  'usage',
  'verdict',
];

/** What an erased job has none of. */
const EMPTY = `payload::text = 'null' AND metadata = '{}' AND cardinality(feedback) = 0 AND num_nonnulls(
  response, model_response, original_payload, asked_for, response_schema, asked, failure_detail, model_failure, regeneration_failed,
  response_violations, callback_url) = 0`;

/**
 * Jobs whose contents are erased. `hitl_erase` alone can take them out of events and decisions, which the services may not
 * change; the event that it adds seals what is left of those before it, since their hashes were over what is gone. Contents of
 * jobs that have not ended stay, whatever the code does.
 */
export class Erasure1700000009300 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    const [{ schema }] = (await runner.query('SELECT quote_ident(current_schema()) AS schema')) as [
      { schema: string },
    ];
    await runner.query(`
      ALTER TABLE jobs
        ADD COLUMN erased_at timestamptz,
        DROP CONSTRAINT jobs_success_has_an_answer,
        ADD CONSTRAINT jobs_success_has_an_answer CHECK (
          status <> 'success' OR (revision > 0 AND (response IS NOT NULL OR erased_at IS NOT NULL))),
        ADD CONSTRAINT jobs_erased_is_empty CHECK (erased_at IS NULL OR (finished_at IS NOT NULL AND ${EMPTY}));
      -- What can still be exported, and erased.
      DROP INDEX jobs_finished;
      CREATE INDEX jobs_finished ON jobs (project, finished_at, id) WHERE finished_at IS NOT NULL AND erased_at IS NULL;

      -- What an event says beside contents, also where they were erased since. Why something was erased is no content of the job.
      CREATE FUNCTION hitl_event_facts(type text, data jsonb) RETURNS jsonb
        LANGUAGE sql IMMUTABLE PARALLEL SAFE
        AS $$ SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(CASE jsonb_typeof(data) WHEN 'object' THEN data END)
              WHERE key = ANY ('{${FACTS.join(',')}}') OR type = 'erased' $$;
      GRANT EXECUTE ON FUNCTION hitl_event_facts(text, jsonb) TO hitl_app;

      -- Erases what the jobs were about, of those that have ended and were not erased before. Answers their ids.
      CREATE FUNCTION hitl_erase(ids uuid[], erased_by text, why text) RETURNS SETOF uuid
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, ${schema}, pg_temp
        AS $$
        DECLARE
          found uuid[] := ARRAY(
            SELECT id FROM jobs WHERE id = ANY (ids) AND finished_at IS NOT NULL AND erased_at IS NULL ORDER BY id FOR UPDATE);
          changed jsonb;
        BEGIN
          -- Nobody could find out later.
          SELECT coalesce(jsonb_object_agg(job_id, seqs), '{}') INTO changed FROM (
            SELECT job_id, jsonb_agg(seq ORDER BY seq) AS seqs FROM (
              SELECT job_id, seq, hash = sha256(
                coalesce(lag(hash) OVER (PARTITION BY job_id ORDER BY seq, id), decode(repeat('00', 32), 'hex')) || int4send(seq) || convert_to(
                jsonb_build_array(id, job_id, type, status, revision, actor, policy_hash, data::text, replaced::text,
                                  extract(epoch FROM created_at))::text, 'UTF8')) AS follows
              FROM job_events WHERE job_id = ANY (found)
            ) event WHERE follows IS NOT TRUE GROUP BY job_id
          ) broken;

          UPDATE job_events e SET replaced = NULL, data = left_over.kept || jsonb_build_object('erased', to_jsonb(left_over.lost))
          FROM (
            SELECT id, kept, ARRAY(
              SELECT key FROM jsonb_object_keys(coalesce(data, '{}') || coalesce(replaced, '{}')) key WHERE NOT kept ? key ORDER BY key) AS lost
            FROM (SELECT *, hitl_event_facts(type, data) AS kept FROM job_events WHERE job_id = ANY (found)) event
          ) left_over
          WHERE e.id = left_over.id AND (e.replaced IS NOT NULL OR cardinality(left_over.lost) > 0);

          UPDATE decisions SET reason = NULL, submitter_message = NULL, feedback = NULL, patch = NULL, text_diff = NULL
          WHERE job_id = ANY (found);
          DELETE FROM drafts WHERE job_id = ANY (found);
          -- Of those to endpoints only the job is known.
          DELETE FROM webhook_deliveries WHERE job_id = ANY (found) AND endpoint_id IS NULL;

          INSERT INTO job_events (job_id, type, status, revision, actor, policy_hash, data)
          SELECT j.id, 'erased', j.status, j.revision, erased_by, j.policy_hash, jsonb_strip_nulls(jsonb_build_object(
            'reason', why, 'response_hash', encode(hitl_content_hash(j.response), 'hex'), 'changed_before', changed -> j.id::text, 'seal', (
              SELECT encode(sha256(string_agg(convert_to(
                jsonb_build_array(e.id, e.seq, encode(e.hash, 'hex'), e.type, e.status, e.revision, e.actor, e.policy_hash, e.data::text,
                                  e.replaced::text, extract(epoch FROM e.created_at))::text, 'UTF8'), '\\x0a' ORDER BY e.seq, e.id)), 'hex')
              FROM job_events e WHERE e.job_id = j.id)))
          FROM jobs j WHERE j.id = ANY (found) ORDER BY j.id;

          RETURN QUERY UPDATE jobs
          SET payload = 'null', response = NULL, model_response = NULL, original_payload = NULL, asked_for = NULL, response_schema = NULL,
              asked = NULL, metadata = '{}', feedback = '{}', feedback_on = '{}', failure_detail = NULL, model_failure = NULL,
              regeneration_failed = NULL, response_violations = NULL, callback_url = NULL, erased_at = now(), updated_at = now()
          WHERE id = ANY (found) RETURNING id;
        END $$;
      REVOKE EXECUTE ON FUNCTION hitl_erase(uuid[], text, text) FROM PUBLIC;
      GRANT EXECUTE ON FUNCTION hitl_erase(uuid[], text, text) TO hitl_app;
    `);
  }

  /** What was erased stays so, and the version before finds fault with it. */
  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP FUNCTION hitl_erase(uuid[], text, text);
      DROP FUNCTION hitl_event_facts(text, jsonb);
      DROP INDEX jobs_finished;
      CREATE INDEX jobs_finished ON jobs (project, finished_at, id) WHERE finished_at IS NOT NULL;
      ALTER TABLE jobs
        DROP CONSTRAINT jobs_erased_is_empty,
        DROP CONSTRAINT jobs_success_has_an_answer,
        DROP COLUMN erased_at,
        ADD CONSTRAINT jobs_success_has_an_answer CHECK (status <> 'success' OR (response IS NOT NULL AND revision > 0)) NOT VALID;
    `);
  }
}
