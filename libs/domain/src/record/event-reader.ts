import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { isWithin, type EVERY_PROJECT, type Scope } from '../caller';
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
  /** The job's; null where the job is not there. */
  project: string | null;
  type: JobEventType;
  status: JobStatus;
  revision: number;
  actor: string;
  createdAt: Date;
}

/** Events in their order. */
export interface EventPage {
  events: EventRecord[];
  /** The place of the last event that was looked at, within the scope or not; null: there was none. */
  end: EventPosition | null;
  /** Whether to look on from there. */
  hasMore: boolean;
}

const POSITION = 'job_events.epoch, job_events.xid, job_events.id';
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

  /** Looks at up to `limit` events after a position, oldest first; at one job's where `jobId` is given. */
  async after(
    scope: Scope | typeof EVERY_PROJECT,
    { epoch, xid, id }: EventPosition,
    limit: number,
    jobId?: string,
  ): Promise<EventPage> {
    const looked: EventRecord[] = await this.database.query(
      // The project is asked for each event: joined, a planner may read all jobs for a few of them.
      `SELECT epoch, xid::text, id::text, job_id AS "jobId", type, status, revision, actor, created_at AS "createdAt",
              (SELECT project FROM jobs WHERE jobs.id = job_id) AS project
       FROM job_events
       WHERE (${POSITION}) > ($1::int, $2::text::xid8, $3::bigint) AND ${IS_SETTLED}
         ${jobId === undefined ? '' : 'AND job_id = $5::uuid'}
       ORDER BY ${POSITION} LIMIT $4`,
      [epoch, xid, id, limit, ...(jobId === undefined ? [] : [jobId])],
    );
    return {
      events: looked.filter((event) => isWithin(scope, event)),
      end: looked.at(-1) ?? null,
      hasMore: looked.length === limit,
    };
  }

  /** Whether a job has no event after a position, not even one that cannot be seen yet. The job must be the caller's. */
  async isLast({ epoch, xid, id }: EventPosition, jobId: string): Promise<boolean> {
    const rows: unknown[] = await this.database.query(
      `SELECT 1 FROM job_events WHERE job_id = $4 AND (${POSITION}) > ($1::int, $2::text::xid8, $3::bigint) LIMIT 1`,
      [epoch, xid, id, jobId],
    );
    return rows.length === 0;
  }

  /**
   * Whether the database has the event of a position. It keeps every event: where one is missing, it was lost with the end
   * of its history, or never was. The order is that of all projects together, and a position tells nothing of an event.
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
