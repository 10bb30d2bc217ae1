import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * How many jobs wait, by project and group, without counting them. A row is what one change of a job added or took away, so
 * that no two changes wait for each other; the review service adds rows up from time to time. A trigger writes them, whatever
 * statement changes the job.
 */
export class WaitingCounts1700000008400 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    const [{ schema }] = (await runner.query('SELECT quote_ident(current_schema()) AS schema')) as [
      { schema: string },
    ];
    await runner.query(`
      -- The sum of its rows is how many jobs of a group wait.
      CREATE TABLE waiting_counts (
        project text NOT NULL,
        review_group text NOT NULL,
        jobs bigint NOT NULL
      ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
      GRANT SELECT, INSERT, DELETE ON waiting_counts TO hitl_app;

      CREATE FUNCTION hitl_count_waiting() RETURNS trigger LANGUAGE plpgsql
        AS $$
        BEGIN
          IF TG_OP <> 'INSERT' AND OLD.status = 'human' THEN
            INSERT INTO ${schema}.waiting_counts VALUES (OLD.project, OLD.review_group, -1);
          END IF;
          IF TG_OP <> 'DELETE' AND NEW.status = 'human' THEN
            INSERT INTO ${schema}.waiting_counts VALUES (NEW.project, NEW.review_group, 1);
          END IF;
          RETURN NULL;
        END $$;
      CREATE FUNCTION hitl_count_none() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN DELETE FROM ${schema}.waiting_counts; RETURN NULL; END $$;

      CREATE TRIGGER jobs_begin_to_wait AFTER INSERT ON jobs FOR EACH ROW
        WHEN (NEW.status = 'human') EXECUTE FUNCTION hitl_count_waiting();
      CREATE TRIGGER jobs_wait_elsewhere AFTER UPDATE OF status, review_group, project ON jobs FOR EACH ROW
        WHEN ((OLD.status = 'human') <> (NEW.status = 'human')
          OR NEW.status = 'human' AND (OLD.review_group, OLD.project) <> (NEW.review_group, NEW.project))
        EXECUTE FUNCTION hitl_count_waiting();
      CREATE TRIGGER jobs_deleted_while_waiting AFTER DELETE ON jobs FOR EACH ROW
        WHEN (OLD.status = 'human') EXECUTE FUNCTION hitl_count_waiting();
      CREATE TRIGGER jobs_truncated AFTER TRUNCATE ON jobs FOR EACH STATEMENT EXECUTE FUNCTION hitl_count_none();

      -- Nobody changes a job since the first trigger was made.
      INSERT INTO waiting_counts
        SELECT project, review_group, count(*) FROM jobs WHERE status = 'human' GROUP BY project, review_group;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TRIGGER jobs_begin_to_wait ON jobs;
      DROP TRIGGER jobs_wait_elsewhere ON jobs;
      DROP TRIGGER jobs_deleted_while_waiting ON jobs;
      DROP TRIGGER jobs_truncated ON jobs;
      DROP FUNCTION hitl_count_waiting(), hitl_count_none();
      DROP TABLE waiting_counts;
    `);
  }
}
