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
      -- A request finds what it may join without a look at the others, so that the same question a thousand times is no slower.
      CREATE INDEX held_requests_by_question ON held_requests (asked, job_id DESC);
      CREATE INDEX held_requests_left ON held_requests (asked, left_at DESC) WHERE answered_at IS NULL AND left_at IS NOT NULL;
      CREATE INDEX held_requests_at ON held_requests (asked, gateway_id, job_id DESC) WHERE answered_at IS NULL AND left_at IS NULL;

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
          -- The job is submitted after this commit: whoever finds the job after a crash finds its hold, too.
          PERFORM set_config('synchronous_commit', 'off', true);
          -- Of identical requests one after the other decides, each on what the ones before it have done.
          PERFORM pg_advisory_xact_lock(hashtextextended(encode(question, 'hex'), 0));
          SELECT h.* INTO found FROM held_requests h
          WHERE h.asked = question AND h.answered_at IS NULL AND h.left_at > since
            AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.id = h.job_id AND j.failure_reason = 'cancelled')
          ORDER BY h.left_at DESC LIMIT 1;
          IF found.job_id IS NULL THEN
            SELECT h.* INTO found FROM gateways g
            CROSS JOIN LATERAL (
              SELECT * FROM held_requests held
              WHERE held.asked = question AND held.gateway_id = g.id AND held.answered_at IS NULL AND held.left_at IS NULL
                AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.id = held.job_id AND j.failure_reason = 'cancelled')
              ORDER BY held.job_id DESC LIMIT 1
            ) h
            WHERE g.id <> gateway AND g.seen_at > since AND g.seen_at < clock_timestamp() - silent
            ORDER BY h.job_id DESC LIMIT 1;
          END IF;
          IF found.job_id IS NULL AND certain THEN
            SELECT h.* INTO found FROM held_requests h
            WHERE h.asked = question AND coalesce(h.left_at, h.answered_at, clock_timestamp()) > since
            ORDER BY h.answered_at IS NOT NULL, h.job_id DESC LIMIT 1;
          END IF;
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
