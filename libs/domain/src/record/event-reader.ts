import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { JobEventType, JobStatus } from '../jobs/transitions';

/** A place in the order of all events: by epoch, then by transaction, then by id. */
export interface EventPosition {
  /** Which of the database's histories: a failover, or a restored dump, begins a new one. */
  epoch: number;
  xid: string;
  id: string;
}

/** Before all events. */
export const BEFORE_ALL_EVENTS: EventPosition = { epoch: 0, xid: '0', id: '0' };

/** What anybody may know of an event: no payload, no response. */
export interface EventRecord extends EventPosition {
  jobId: string;
  type: JobEventType;
  status: JobStatus;
  revision: number;
  actor: string;
  createdAt: Date;
}

const POSITION = 'job_events.epoch, job_events.xid, job_events.id';
const COLUMNS = `epoch, xid::text, id::text, job_id AS "jobId", type, status, revision, actor, created_at AS "createdAt"`;
/** Nothing can come before it any more: what an earlier epoch has, and what older transactions than any that runs have written. */
const IS_SETTLED = `(job_events.epoch < (SELECT hitl_epoch()) OR job_events.xid < pg_snapshot_xmin(pg_current_snapshot()))`;

/**
 * Reads events in an order that can be followed. An event's id is not handed out in the order of commits, so events
 * are ordered by transaction, and those of transactions that are still running, or began later, are not shown yet.
 * Transaction ids belong to one server's history: events of an earlier one come first.
 */
@Injectable()
export class EventReader {
  constructor(@Inject(DataSource) private readonly database: DataSource) {}

  /** Up to `limit` events after a position, oldest first; of one job where `jobId` is given. */
  after({ epoch, xid, id }: EventPosition, limit: number, jobId?: string): Promise<EventRecord[]> {
    return this.database.query(
      `SELECT ${COLUMNS} FROM job_events
       WHERE (${POSITION}) > ($1::int, $2::text::xid8, $3::bigint) AND ${IS_SETTLED}
         ${jobId === undefined ? '' : 'AND job_id = $5::uuid'}
       ORDER BY ${POSITION} LIMIT $4`,
      [epoch, xid, id, limit, ...(jobId === undefined ? [] : [jobId])],
    );
  }

  /** Whether a job has no event after a position, not even one that cannot be seen yet. */
  async isLast({ epoch, xid, id }: EventPosition, jobId: string): Promise<boolean> {
    const rows: unknown[] = await this.database.query(
      `SELECT 1 FROM job_events WHERE job_id = $4 AND (${POSITION}) > ($1::int, $2::text::xid8, $3::bigint) LIMIT 1`,
      [epoch, xid, id, jobId],
    );
    return rows.length === 0;
  }

  /**
   * Whether the database has the event of a position. It keeps every event: where one is missing, it was lost with the end
   * of its history, or never was.
   */
  async has({ epoch, xid, id }: EventPosition): Promise<boolean> {
    if (xid === BEFORE_ALL_EVENTS.xid && id === BEFORE_ALL_EVENTS.id) return true;
    const rows: unknown[] = await this.database.query(
      `SELECT 1 FROM job_events WHERE (${POSITION}) = ($1::int, $2::text::xid8, $3::bigint)`,
      [epoch, xid, id],
    );
    return rows.length > 0;
  }

  /** The position after everything that can be seen now. */
  async end(): Promise<EventPosition> {
    const rows: EventPosition[] = await this.database.query(
      `SELECT epoch, xid::text, id::text FROM job_events WHERE ${IS_SETTLED}
       ORDER BY job_events.epoch DESC, job_events.xid DESC, job_events.id DESC LIMIT 1`,
    );
    return rows[0] ?? BEFORE_ALL_EVENTS;
  }
}
