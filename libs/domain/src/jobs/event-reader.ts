import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { JobEventType, JobStatus } from './transitions';

/** A place in the order of all events. */
export interface EventPosition {
  xid: string;
  id: string;
}

/** What anybody may know of an event: no payload, no response. */
export interface EventRecord extends EventPosition {
  jobId: string;
  type: JobEventType;
  status: JobStatus;
  revision: number;
  actor: string;
  createdAt: Date;
}

const COLUMNS = `xid::text, id::text, job_id AS "jobId", type, status, revision, actor, created_at AS "createdAt"`;

/**
 * Reads events in an order that can be followed. An event's id is not handed out in the order of commits, so events
 * are ordered by transaction, and those of transactions that are still running, or began later, are not shown yet.
 */
@Injectable()
export class EventReader {
  constructor(@Inject(DataSource) private readonly database: DataSource) {}

  /** Up to `limit` events after a position, oldest first; of one job where `jobId` is given. */
  after(position: EventPosition, limit: number, jobId?: string): Promise<EventRecord[]> {
    return this.database.query(
      `SELECT ${COLUMNS} FROM job_events
       WHERE (job_events.xid, job_events.id) > ($1::text::xid8, $2::bigint) AND job_events.xid < pg_snapshot_xmin(pg_current_snapshot())
         ${jobId === undefined ? '' : 'AND job_id = $4::uuid'}
       ORDER BY job_events.xid, job_events.id LIMIT $3`,
      [position.xid, position.id, limit, ...(jobId === undefined ? [] : [jobId])],
    );
  }

  /** Whether a job has no event after a position, not even one that cannot be seen yet. */
  async isLast(position: EventPosition, jobId: string): Promise<boolean> {
    const rows: unknown[] = await this.database.query(
      `SELECT 1 FROM job_events WHERE job_id = $3 AND (job_events.xid, job_events.id) > ($1::text::xid8, $2::bigint) LIMIT 1`,
      [position.xid, position.id, jobId],
    );
    return rows.length === 0;
  }

  /** The position after everything that can be seen now. */
  async end(): Promise<EventPosition> {
    const rows: EventPosition[] = await this.database.query(
      `SELECT xid::text, id::text FROM job_events WHERE xid < pg_snapshot_xmin(pg_current_snapshot())
       ORDER BY job_events.xid DESC, job_events.id DESC LIMIT 1`,
    );
    return rows[0] ?? { xid: '0', id: '0' };
  }
}
