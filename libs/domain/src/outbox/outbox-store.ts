import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { hidden, prepared } from '../prepared';
import type { Bell } from './bell';

/** Seconds for which one poller has the rows it took, before another may try: twice what a publish may take. */
const POLLER_LEASE_SECONDS = 10;

/** The bells that must still ring. */
@Injectable()
export class OutboxStore {
  constructor(@Inject(DataSource) private readonly database: DataSource) {}

  /** Takes up to `limit` due rows for this poller; no two pollers get the same one at a time. */
  async takeDue(limit: number): Promise<Bell[]> {
    return this.database.query(
      prepared(
        'due-bells',
        `WITH due AS (
         SELECT id FROM outbox WHERE due_at <= now() ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED
       ), taken AS (
         UPDATE outbox o SET due_at = now() + $2 * interval '1 second'
         FROM due WHERE o.id = due.id RETURNING o.id, o.pattern, o.job_id
       )
       SELECT id, pattern, job_id AS "jobId" FROM taken ORDER BY id`,
      ),
      [limit, POLLER_LEASE_SECONDS],
    );
  }

  /** Deletes rows whose messages the transport has; those that are gone do not matter. */
  async delete(ids: string[]): Promise<void> {
    // A row that a crash brings back rings once more, which changes nothing: no need to wait for the disk.
    await this.database.query(
      prepared(
        'forget-bells',
        `WITH fast AS (SELECT set_config('synchronous_commit', 'off', true)),
            -- In one order, so that two that delete the same rows wait for each other and neither fails with a deadlock.
            rung AS MATERIALIZED (SELECT id FROM outbox, fast WHERE id = ANY (${hidden('$1::bigint[]')}::bigint[]) ORDER BY id FOR UPDATE OF outbox),
            gone AS (DELETE FROM outbox USING rung WHERE outbox.id = rung.id RETURNING 1)
       SELECT count(*) FROM gone`,
      ),
      [ids],
    );
  }
}
