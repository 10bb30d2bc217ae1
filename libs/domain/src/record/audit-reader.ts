import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Scope } from '../caller';
import type { Json } from '../json';
import type { JobEventType, JobStatus } from '../jobs/transitions';

/** An event as the audit log of a day has it: nothing of what its job is about, so that erasing that changes no line. */
export interface AuditEvent {
  id: string;
  jobId: string;
  seq: number;
  type: JobEventType;
  status: JobStatus;
  revision: number;
  actor: string;
  policyHash: string | null;
  /** To the microsecond, in UTC. */
  at: string;
  data: Record<string, Json>;
  /** In hex. */
  hash: string;
}

/** Events that one statement looks at, whether they are the project's or not. */
const LOOKED_AT = 1000;
/** Seconds after which no transaction of the day before still runs: statements and idle transactions end sooner. */
const SETTLED_SECONDS = 60;

/** Where the events of a day are: ids are given in the order of transactions' beginnings, but for those at the same time. */
const RANGE = `SELECT min(id)::text AS first, max(id)::text AS last, count(*) AS events FROM job_events
  WHERE created_at >= ($1::date)::timestamp AT TIME ZONE 'UTC' AND created_at < ($1::date + 1)::timestamp AT TIME ZONE 'UTC'`;

const PAGE = `WITH looked AS MATERIALIZED (
  SELECT * FROM job_events
  WHERE id > $2::bigint AND id <= $3::bigint
    AND created_at >= ($1::date)::timestamp AT TIME ZONE 'UTC' AND created_at < ($1::date + 1)::timestamp AT TIME ZONE 'UTC'
  ORDER BY id LIMIT ${LOOKED_AT}
)
SELECT e.id::text, e.job_id AS "jobId", e.seq, e.type, e.status, e.revision, e.actor, e.policy_hash AS "policyHash",
       to_char(e.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at, hitl_event_facts(e.type, e.data) AS data,
       encode(e.hash, 'hex') AS hash, j.project IS NOT DISTINCT FROM $4 AS wanted
FROM looked e LEFT JOIN jobs j ON j.id = e.job_id ORDER BY e.id`;

/** Reads the events of whole days. */
@Injectable()
export class AuditReader {
  constructor(@Inject(DataSource) private readonly database: DataSource) {}

  /** The newest day, in UTC, to which no event can be added any more: `YYYY-MM-DD`. */
  async newestDay(): Promise<string> {
    const rows: { day: string }[] = await this.database.query(
      `SELECT to_char((now() - interval '${SETTLED_SECONDS} seconds') AT TIME ZONE 'UTC' - interval '1 day', 'YYYY-MM-DD') AS day`,
    );
    return rows[0]?.day ?? '';
  }

  /**
   * The events of a project on a day that is over, in the order of their ids, in pages of bounded size. The same day is the
   * same whenever it is read. Ends early once the signal has fired.
   */
  async *day({ project }: Scope, day: string, signal: AbortSignal): AsyncGenerator<AuditEvent[]> {
    const [range]: { first: string | null; last: string | null }[] = await this.database.query(RANGE, [day]);
    if (range?.first == null || range.last === null) return;
    let after = String(BigInt(range.first) - 1n);
    while (!signal.aborted) {
      const rows: (AuditEvent & { wanted: boolean })[] = await this.database.query(PAGE, [
        day,
        after,
        range.last,
        project,
      ]);
      const last = rows.at(-1);
      if (!last) return;
      after = last.id;
      yield rows.filter(({ wanted }) => wanted).map(({ wanted: _, ...event }) => event);
    }
  }
}
