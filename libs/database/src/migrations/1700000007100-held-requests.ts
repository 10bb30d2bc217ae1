import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Requests that are held for a job, and whether their clients are still there: a client that was cut off and asks again
 * gets the job that it has, at any gateway.
 */
export class HeldRequests1700000007100 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- Gateways that hold requests. One that was killed stops to be seen, and so do its clients.
      CREATE TABLE gateways (
        id uuid PRIMARY KEY,
        seen_at timestamptz NOT NULL
      ) WITH (fillfactor = 50);

      CREATE TABLE held_requests (
        -- No foreign key: the row is there before the job is.
        job_id uuid PRIMARY KEY,
        -- SHA-256 of caller, door and body; null: the client named the job by an idempotency key.
        asked bytea,
        gateway_id uuid NOT NULL,
        -- The request that holds: one that took over is not undone by the one before it.
        request_id uuid NOT NULL,
        held_at timestamptz NOT NULL,
        -- When the client went without an answer; null: it is still there, as long as its gateway is.
        left_at timestamptz,
        -- After how long something between the client and a human cut the line.
        cut_after_ms integer,
        -- When the job's end was sent.
        answered_at timestamptz
      ) WITH (fillfactor = 80);
      CREATE INDEX held_requests_by_question ON held_requests (asked);

      -- Which job a held request waits for: the one of an identical request whose client has gone since "since",
      -- else "new_job". "certain": the client says that it repeats, so that client is gone whatever we saw.
      CREATE FUNCTION hitl_hold(new_job uuid, question bytea, gateway uuid, request uuid, certain boolean,
                                since timestamptz, silent interval)
        RETURNS TABLE (job_id uuid, cut_after_ms integer)
        LANGUAGE plpgsql
        AS $$
        DECLARE
          found held_requests;
        BEGIN
          -- Of identical requests one after the other decides, each on what the ones before it have done.
          PERFORM pg_advisory_xact_lock(hashtextextended(encode(question, 'hex'), 0));
          SELECT h.* INTO found
          FROM held_requests h
          LEFT JOIN gateways g ON g.id = h.gateway_id
          LEFT JOIN jobs j ON j.id = h.job_id
          CROSS JOIN LATERAL (
            SELECT CASE
              WHEN h.answered_at IS NOT NULL THEN NULL
              WHEN h.left_at IS NOT NULL THEN h.left_at
              WHEN h.gateway_id <> gateway AND g.seen_at IS NULL THEN h.held_at
              WHEN h.gateway_id <> gateway AND g.seen_at < clock_timestamp() - silent THEN g.seen_at
            END AS at
          ) gone
          WHERE h.asked = question
            AND ((gone.at > since AND j.failure_reason IS DISTINCT FROM 'cancelled')
                 OR (certain AND coalesce(gone.at, h.answered_at, clock_timestamp()) > since))
          ORDER BY gone.at IS NULL, h.answered_at IS NOT NULL, h.job_id DESC
          LIMIT 1;
          IF found.job_id IS NULL THEN
            INSERT INTO held_requests (job_id, asked, gateway_id, request_id, held_at)
            VALUES (new_job, question, gateway, request, clock_timestamp());
            RETURN QUERY SELECT new_job, NULL::integer;
          ELSE
            UPDATE held_requests h
            SET gateway_id = gateway, request_id = request, held_at = clock_timestamp(), left_at = NULL, answered_at = NULL
            WHERE h.job_id = found.job_id;
            RETURN QUERY SELECT found.job_id, found.cut_after_ms;
          END IF;
        END $$;

      GRANT SELECT, INSERT, UPDATE, DELETE ON gateways, held_requests TO hitl_app;
      GRANT EXECUTE ON FUNCTION hitl_hold(uuid, bytea, uuid, uuid, boolean, timestamptz, interval) TO hitl_app;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP FUNCTION hitl_hold(uuid, bytea, uuid, uuid, boolean, timestamptz, interval);
      DROP TABLE held_requests, gateways;
    `);
  }
}
