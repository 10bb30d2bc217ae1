import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Projects, idempotency, usage, an order of events that can be followed, and webhooks. */
export class Delivery1700000001000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE jobs
        ADD COLUMN project text NOT NULL DEFAULT 'default',
        ADD COLUMN edited boolean NOT NULL DEFAULT false,
        ADD COLUMN usage jsonb,
        ADD COLUMN callback_url text,
        ADD COLUMN idempotency_key text,
        ADD COLUMN request_hash bytea;
      CREATE UNIQUE INDEX jobs_idempotency ON jobs (project, idempotency_key) WHERE idempotency_key IS NOT NULL;

      CREATE FUNCTION hitl_add_usage(a jsonb, b jsonb) RETURNS jsonb
        LANGUAGE sql IMMUTABLE PARALLEL SAFE
        AS $$ SELECT coalesce(a, '{}') || (
                SELECT jsonb_object_agg(key, coalesce((a ->> key)::numeric, 0) + value::text::numeric) FROM jsonb_each(b)) $$;

      ALTER TABLE job_events ADD COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id();
      CREATE INDEX job_events_in_order ON job_events (xid, id);

      CREATE TABLE webhook_endpoints (
        id uuid PRIMARY KEY,
        project text NOT NULL,
        url text NOT NULL,
        secret text NOT NULL,
        previous_secret text,
        previous_secret_until timestamptz,
        disabled_at timestamptz,
        disabled_because text,
        idempotency_key text,
        request_hash bytea,
        created_at timestamptz NOT NULL DEFAULT now()
      );
      CREATE INDEX webhook_endpoints_by_project ON webhook_endpoints (project);
      CREATE UNIQUE INDEX webhook_endpoints_idempotency ON webhook_endpoints (project, idempotency_key)
        WHERE idempotency_key IS NOT NULL;

      CREATE TABLE webhook_deliveries (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        endpoint_id uuid REFERENCES webhook_endpoints (id) ON DELETE CASCADE,
        job_id uuid,
        url text NOT NULL,
        type text NOT NULL CHECK (type IN ('job.succeeded', 'job.failed', 'ping')),
        status text NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'delivered', 'failed')),
        attempts integer NOT NULL DEFAULT 0,
        due_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(),
        finished_at timestamptz,
        CONSTRAINT webhook_deliveries_waiting_is_due CHECK ((status = 'waiting') = (due_at IS NOT NULL))
      );
      CREATE INDEX webhook_deliveries_due ON webhook_deliveries (due_at) WHERE status = 'waiting';
      CREATE INDEX webhook_deliveries_by_endpoint ON webhook_deliveries (endpoint_id, created_at);

      CREATE TABLE webhook_attempts (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        delivery_id uuid NOT NULL REFERENCES webhook_deliveries (id) ON DELETE CASCADE,
        status_code integer,
        error text,
        duration_ms integer NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now()
      );
      CREATE INDEX webhook_attempts_by_delivery ON webhook_attempts (delivery_id, id);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE webhook_attempts, webhook_deliveries, webhook_endpoints;
      DROP INDEX job_events_in_order;
      ALTER TABLE job_events DROP COLUMN xid;
      DROP INDEX jobs_idempotency;
      ALTER TABLE jobs DROP COLUMN project, DROP COLUMN edited, DROP COLUMN usage, DROP COLUMN callback_url,
        DROP COLUMN idempotency_key, DROP COLUMN request_hash;
      DROP FUNCTION hitl_add_usage(jsonb, jsonb);
    `);
  }
}
