import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Job } from '../jobs/job.entity';
import { prepared } from '../prepared';
import type { Verdict } from '../jobs/transitions';

/** Notes that are told with a job: the newest; and the characters of each. */
const MAX_NOTES = 5;
const MAX_NOTE_LENGTH = 2000;
/** Votes that are told with a job. */
const MAX_VOTES = 20;
/** Notes that are counted at most. */
export const MAX_NOTES_COUNTED = 100;

/** SQL for how many notes the job `job` has, counted up to {@link MAX_NOTES_COUNTED}. */
export const countNotes = (job: string): string =>
  `(SELECT count(*)::int FROM (SELECT FROM job_events e WHERE e.job_id = ${job} AND e.type = 'noted' LIMIT ${MAX_NOTES_COUNTED}) n)`;

export interface Remarks {
  /** Newest first, each cut to 2,000 characters. */
  notes: { by: string; text: string; at: string }[];
  notesCount: number;
  /** Verdicts on the current revision that did not end its review, oldest first. */
  votes: { verdict: Verdict; by: string; reasonCode: string | null; reason: string | null; at: string }[];
  /** The decision that ended the job; null: none did, or it has not ended. */
  outcome: {
    verdict: Verdict;
    by: string;
    automatic: boolean;
    atDeadline: boolean;
    rule: string | null;
    reasonCode: string | null;
    reason: string | null;
    submitterMessage: string | null;
    at: string;
  } | null;
}

/** Reads what people have said about a job. */
@Injectable()
export class RemarkReader {
  constructor(@Inject(DataSource) private readonly database: DataSource) {}

  /** Of a job whose contents are erased there are no notes. */
  async read({
    id,
    revision,
    status,
    erasedAt,
  }: Pick<Job, 'id' | 'revision' | 'status' | 'erasedAt'>): Promise<Remarks> {
    const [remarks]: Remarks[] = await this.database.query(
      prepared(
        'remarks',
        `SELECT CASE WHEN $7 THEN 0 ELSE ${countNotes('$1::uuid')} END AS "notesCount",
         (SELECT coalesce(jsonb_agg(n), '[]') FROM (
            SELECT actor AS by, left(data ->> 'text', $4) AS text, created_at AS at FROM job_events
            WHERE job_id = $1::uuid AND type = 'noted' AND NOT $7 ORDER BY id DESC LIMIT $5) n) AS notes,
         (SELECT coalesce(jsonb_agg(v), '[]') FROM (
            SELECT verdict, actor AS by, reason_code AS "reasonCode", reason, created_at AS at FROM decisions
            WHERE job_id = $1::uuid AND revision = $2 AND NOT final AND NOT shadow ORDER BY created_at LIMIT $6) v) AS votes,
         (SELECT to_jsonb(d) FROM (
            SELECT verdict, actor AS by, automatic, at_deadline AS "atDeadline", rule, reason_code AS "reasonCode", reason,
                   submitter_message AS "submitterMessage", created_at AS at FROM decisions
            WHERE job_id = $1::uuid AND final AND verdict <> 'regenerate' AND $3 ORDER BY created_at DESC LIMIT 1) d) AS outcome`,
      ),
      [
        id,
        revision,
        status === 'success' || status === 'fail',
        MAX_NOTE_LENGTH,
        MAX_NOTES,
        MAX_VOTES,
        erasedAt !== null,
      ],
    );
    if (!remarks) throw new Error('a SELECT without FROM answers one row');
    return remarks;
  }
}
