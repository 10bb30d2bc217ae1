import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { type Json, JsonText } from '../json';
import { Decision } from '../desk/decision.entity';
import type { Job } from '../jobs/job.entity';
import type { JobEventType, JobStatus } from '../jobs/transitions';

/** Events and decisions that one history has at most: the newest. */
const MAX_EVENTS = 500;
/** Bytes of replaced outputs that one history carries at most: the newest. */
const MAX_REPLACED = 8_388_608;

export interface HistoryEvent {
  id: string;
  type: JobEventType;
  status: JobStatus;
  revision: number;
  actor: string;
  policyHash: string | null;
  data: Record<string, Json> | null;
  /** The payload and the response that it replaced, as JSON text. */
  replaced: { payload?: string; response?: string } | null;
  createdAt: Date;
}

/** An output that a job had, or has. */
export interface Output {
  revision: number;
  /** The event that brought it. */
  event: HistoryEvent;
  /** Null when it is too long ago to be told. */
  response: JsonText | null;
}

/** All that happened to a job. */
export interface History {
  /** Oldest first. */
  events: HistoryEvent[];
  /** Whether there were older ones. */
  truncated: boolean;
  decisions: Decision[];
  outputs: Output[];
}

/** Reads what happened to a job. */
@Injectable()
export class HistoryReader {
  constructor(@Inject(DataSource) private readonly database: DataSource) {}

  async read(job: Job): Promise<History> {
    const [newest, decisions] = await Promise.all([
      this.database.query<HistoryEvent[]>(
        `SELECT id::text, type, status, revision, actor, policy_hash AS "policyHash", data, created_at AS "createdAt",
                CASE WHEN sum(hitl_bytes(replaced)) OVER (ORDER BY id DESC) <= $3 THEN replaced END AS replaced
         FROM (SELECT * FROM job_events WHERE job_id = $1::uuid ORDER BY id DESC LIMIT $2) newest ORDER BY newest.id DESC`,
        [job.id, MAX_EVENTS + 1, MAX_REPLACED],
      ),
      this.database.getRepository(Decision).find({
        where: { jobId: job.id },
        order: { createdAt: 'DESC', id: 'DESC' },
        take: MAX_EVENTS,
      }),
    ]);
    const events = newest.slice(0, MAX_EVENTS);
    return {
      events: events.slice().reverse(),
      truncated: newest.length > MAX_EVENTS,
      decisions: decisions.reverse(),
      outputs: outputsOf(job, events).reverse(),
    };
  }
}

/** The outputs behind events, newest first: each is the current one, or was replaced by a later event. */
function outputsOf(job: Job, newestFirst: HistoryEvent[]): Output[] {
  const outputs: Output[] = [];
  let response = job.response;
  for (const event of newestFirst) {
    const { type, data, replaced } = event;
    const madeOne =
      type === 'inferred' ||
      type === 'edited' ||
      type === 'restored' ||
      type === 'regeneration_failed' ||
      (type === 'decided' && data?.verdict === 'edit') ||
      (type === 'voted' && data?.verdict === 'edit');
    if (madeOne) outputs.push({ revision: event.revision, event, response });
    // A change of the payload alone is a new revision, too, of the same output.
    const kept = !madeOne || (type === 'edited' && replaced !== null);
    const before = replaced?.response;
    response = before === undefined ? (kept ? response : null) : new JsonText(before);
  }
  return outputs;
}
