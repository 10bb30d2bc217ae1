import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type Repository } from 'typeorm';
import { batched } from '../batcher';
import type { JsonText } from '../json';
import { Job, type Usage } from './job.entity';
import { LARGE_BYTES, MAX_PAGE_BYTES } from './job-lists';
import { prepared } from '../prepared';
import { Turns } from '../turns';
import type { JobStatus, Verdict } from './transitions';

/** From so many bytes on, one is read at a time, else four: as texts and objects they take several times as much. */
const HUGE_BYTES = 1_048_576;
const TOO_MANY = 'Too many large jobs are being read. Try again in a few seconds.';
/** For the whole process, as its memory is. */
const TURNS = { large: new Turns(4, TOO_MANY), huge: new Turns(1, TOO_MANY) };

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether a text has the shape of a job's id; any other text is the id of no job. */
export function isJobId(text: string): boolean {
  return UUID.test(text);
}

/** A job's id as the database has it, its status and revision, and when that was read, on the database's clock. */
export interface CurrentJob {
  id: string;
  status: JobStatus;
  revision: number;
  asOf: Date;
}

/** A model's answer, and what became of it. */
export interface Answered {
  jobId: string;
  project: string;
  model: string | null;
  payload: JsonText;
  /** The model's own, also where a human has changed it. */
  response: JsonText;
  metadata: Record<string, string>;
  usage: Usage | null;
  /** The rule that planned the review, or decided. */
  rule: string | null;
  /** The decision that ended the job; null: none yet. */
  verdict: Verdict | null;
  /** Whether a policy decided before a human could. */
  automatic: boolean;
}

/** Reads of single jobs, and of what is short about many. */
@Injectable()
export class JobReader {
  private readonly jobs: Repository<Job>;
  private readonly findBatched: (id: string) => Promise<Job | number | null>;
  private readonly currentBatched: (id: string) => Promise<CurrentJob | null>;

  constructor(@Inject(DataSource) private readonly database: DataSource) {
    this.jobs = database.getRepository(Job);
    this.findBatched = batched(async (ids: string[]) => {
      const byId = await this.whereWritable([...new Set(ids)], (some) => this.readUnlessLarge(some));
      return ids.map((id) => byId.get(id) ?? null);
    });
    this.currentBatched = batched(async (ids: string[]) => {
      const byId = await this.whereWritable([...new Set(ids)], (some) => this.readCurrent(some));
      return ids.map((id) => byId.get(id) ?? null);
    });
  }

  /**
   * The job with this id, whatever its shape; null when there is none. Large ones are read few at a time.
   * @param maxWaitMs how long a large one may wait for its turn, in milliseconds
   * @throws DomainError unavailable when its turn did not come in time
   */
  async find(id: string, maxWaitMs = Infinity): Promise<Job | null> {
    if (!isJobId(id)) return null;
    const found = await this.findBatched(id.toLowerCase());
    if (typeof found !== 'number') return found;
    const turns = found > HUGE_BYTES ? TURNS.huge : TURNS.large;
    return turns.take(() => this.jobs.createQueryBuilder('job').where({ id }).getOne(), maxWaitMs);
  }

  /** The jobs, but of large ones how many bytes they have. */
  private async readUnlessLarge(ids: string[]): Promise<Map<string, Job | number>> {
    const rows = await this.jobs
      .createQueryBuilder('job')
      .comment('prepared: find-jobs')
      .where(`job.id = ANY(:ids) AND job.bytes <= ${LARGE_BYTES}`, { ids })
      .getMany();
    const found = new Map<string, Job | number>(rows.map((job) => [job.id, job]));
    const missing = ids.filter((id) => !found.has(id));
    if (missing.length === 0) return found;
    const large: { id: string; bytes: string }[] = await this.database.query(
      prepared('large-jobs', 'SELECT id, bytes FROM jobs WHERE id = ANY($1::uuid[])'),
      [missing],
    );
    // One that was not large a moment ago is read as one that is.
    for (const { id, bytes } of large) found.set(id, Number(bytes));
    return found;
  }

  private async readCurrent(ids: string[]): Promise<Map<string, CurrentJob>> {
    const rows: CurrentJob[] = await this.database.query(
      prepared(
        'current-jobs',
        'SELECT id, status, revision, clock_timestamp() AS "asOf" FROM jobs WHERE id = ANY($1::uuid[])',
      ),
      [ids],
    );
    return new Map(rows.map((job) => [job.id, job]));
  }

  /**
   * What `read` finds. A server that has been left behind may lack what was accepted elsewhere, and takes no changes: what
   * is missing is asked for once more in a way that such a server refuses.
   */
  private async whereWritable<T>(
    ids: string[],
    read: (ids: string[]) => Promise<Map<string, T>>,
  ): Promise<Map<string, T>> {
    const found = await read(ids);
    const missing = ids.filter((id) => !found.has(id));
    if (missing.length === 0) return found;
    const there: { id: string }[] = await this.database.query(
      prepared('jobs-there', 'SELECT id FROM jobs WHERE id = ANY($1::uuid[]) FOR KEY SHARE SKIP LOCKED'),
      [missing],
    );
    if (there.length === 0) return found;
    return new Map([...found, ...(await read(there.map(({ id }) => id)))]);
  }

  /** What waits under this id right now, whatever its shape; null when there is no such job. */
  current(id: string): Promise<CurrentJob | null> {
    return isJobId(id) ? this.currentBatched(id.toLowerCase()) : Promise.resolve(null);
  }

  /** What time it is for the database. */
  async clock(): Promise<Date> {
    const rows: { now: Date }[] = await this.database.query(
      prepared('clock', 'SELECT clock_timestamp() AS now'),
    );
    const [row] = rows;
    if (!row) throw new Error('the database does not tell the time');
    return row.now;
  }

  /** The job that a project submitted under this idempotency key. */
  findByKey(project: string, idempotencyKey: string): Promise<Job | null> {
    return this.jobs
      .createQueryBuilder('job')
      .comment('quick')
      .where('job.project = :project AND job.idempotencyKey = :idempotencyKey', { project, idempotencyKey })
      .getOne();
  }

  /** Those of the jobs that have ended, or are not there: {@link find} tells which. */
  async over(ids: string[]): Promise<string[]> {
    const rows: { id: string }[] = await this.database.query(
      `SELECT w.id FROM unnest($1::uuid[]) AS w (id) LEFT JOIN jobs j ON j.id = w.id
       WHERE j.id IS NULL OR j.status IN ('success', 'fail')`,
      [ids],
    );
    return rows.map((row) => row.id);
  }

  /** Those of the jobs that are not there. */
  async missing(ids: string[]): Promise<string[]> {
    const found = await this.whereWritable([...new Set(ids)], (some) => this.readCurrent(some));
    return ids.filter((id) => !found.has(id));
  }

  /** How many jobs wait for the model, counted up to `limit`. */
  async countWaiting(limit: number): Promise<number> {
    const rows: { count: string }[] = await this.database.query(
      `SELECT count(*) FROM (SELECT 1 FROM jobs WHERE status = 'bot' LIMIT $1) waiting`,
      [limit],
    );
    return Number(rows[0]?.count);
  }

  /**
   * Jobs whose model has answered, newest first, from the job after `before` on. Fewer than `limit` where they come to
   * more than 8 MiB together, though at least one where there is any.
   */
  answered({ before, limit }: { before?: string; limit: number }): Promise<Answered[]> {
    return this.database.query(
      `WITH page AS (
         SELECT * FROM (
           SELECT id, sum(bytes) OVER (ORDER BY id DESC) - bytes AS bytes_before, bytes FROM (
             SELECT id, bytes FROM jobs WHERE response IS NOT NULL AND ($1::uuid IS NULL OR id < $1) ORDER BY id DESC LIMIT $2
           ) newest
         ) summed WHERE bytes_before = 0 OR bytes_before + bytes <= ${MAX_PAGE_BYTES}
       )
       SELECT j.id AS "jobId", j.project, j.model, j.payload, coalesce(j.model_response, j.response) AS response, j.metadata,
              j.usage, coalesce(d.rule, j.rule) AS rule, d.verdict, coalesce(d.automatic AND NOT d.at_deadline, false) AS automatic
       FROM page JOIN jobs j USING (id) LEFT JOIN LATERAL (
         SELECT verdict, rule, automatic, at_deadline FROM decisions
         WHERE job_id = j.id AND final AND verdict <> 'regenerate' ORDER BY created_at DESC LIMIT 1
       ) d ON true
       ORDER BY j.id DESC`,
      [before ?? null, limit],
    );
  }
}
