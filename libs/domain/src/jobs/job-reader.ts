import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type Repository } from 'typeorm';
import { batchedStatement } from '../batched-statement';
import { isWithin, type EVERY_PROJECT, type Scope } from '../caller';
import type { JsonText } from '../json';
import { Job, type Usage } from './job.entity';
import { isJobId } from './job-id';
import { createdAtMicros, LARGE_BYTES, MAX_PAGE_BYTES } from './job-lists';
import { prepared } from '../prepared';
import { Turns } from '../turns';
import type { JobStatus, Verdict } from './transitions';

/** From so many bytes on, one is read at a time, else four: as texts and objects they take several times as much. */
const HUGE_BYTES = 1_048_576;
const TOO_MANY = 'Too many large jobs are being read. Try again in a few seconds.';
/** For the whole process, as its memory is. */
const TURNS = { large: new Turns(4, TOO_MANY), huge: new Turns(1, TOO_MANY) };

/** A job's id as the database has it, its status and revision, and when that was read, on the database's clock. */
export interface CurrentJob {
  id: string;
  project: string;
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

/** Where large jobs stay after they were read, such as in answers whose clients are reading them. */
export interface Room {
  readonly isFull: boolean;
  /** Resolves once it is not full. @throws DomainError unavailable when it still was after so many milliseconds */
  freed(maxWaitMs: number): Promise<void>;
}

/** A large job that is not read yet. */
interface Large {
  project: string;
  bytes: number;
}

/** Reads of single jobs, and of what is short about many. */
@Injectable()
export class JobReader {
  /** A SELECT of whole jobs up to its FROM: written once, since TypeORM's builder would write it, and turn its rows, at each read. */
  private readonly selectJobs: string;
  private readonly jobs: Repository<Job>;
  private readonly findBatched: (id: string) => Promise<Job | Large | null>;
  /** Reads of huge jobs that have not begun: who asks meanwhile shares them. */
  private readonly toBeRead = new Map<string, Promise<Job | null>>();
  private readonly currentBatched: (id: string) => Promise<CurrentJob | null>;

  constructor(@Inject(DataSource) private readonly database: DataSource) {
    this.jobs = database.getRepository(Job);
    const columns = this.jobs.metadata.columns
      .filter(({ isSelect }) => isSelect)
      .map(
        ({ query, databaseName, propertyName }) =>
          `${query?.('job') ?? `job.${databaseName}`} AS "${propertyName}"`,
      );
    this.selectJobs = `SELECT ${columns.join(', ')} FROM jobs job`;
    this.findBatched = batchedStatement(async (ids: string[]) => {
      const byId = await this.whereWritable([...new Set(ids)], (some) => this.readUnlessLarge(some));
      return ids.map((id) => byId.get(id) ?? null);
    });
    this.currentBatched = batchedStatement(async (ids: string[]) => {
      const byId = await this.whereWritable([...new Set(ids)], (some) => this.readCurrent(some));
      return ids.map((id) => byId.get(id) ?? null);
    });
  }

  /**
   * The job with this id, whatever its shape; null when the scope has none. Large ones are read few at a time, and those above
   * 1 MiB once for all who wait for them.
   * @param maxWaitMs how long a large one may wait for its turn, in milliseconds
   * @param room what one above 1 MiB has to wait for, too
   * @throws DomainError unavailable when its turn did not come in time
   */
  async find(
    scope: Scope | typeof EVERY_PROJECT,
    id: string,
    maxWaitMs = Infinity,
    room?: Room,
  ): Promise<Job | null> {
    if (!isJobId(id)) return null;
    const found = await this.findBatched(id.toLowerCase());
    if (!found || !isWithin(scope, found)) return null;
    if (found instanceof Job) return found;
    if (found.bytes > HUGE_BYTES) return this.findHuge(id.toLowerCase(), maxWaitMs, room);
    return TURNS.large.take(() => this.findAlone(id), maxWaitMs);
  }

  private findHuge(id: string, maxWaitMs: number, room: Room | undefined): Promise<Job | null> {
    // Who waits for ever must not be refused with one who does not.
    const key = `${id} ${maxWaitMs}`;
    let read = this.toBeRead.get(key);
    if (!read) {
      const forget = (): void => {
        if (this.toBeRead.get(key) === read) this.toBeRead.delete(key);
      };
      read = this.readInTurn(id, maxWaitMs, room, forget).finally(forget);
      this.toBeRead.set(key, read);
    }
    return read;
  }

  /** @param begins called when the job is about to be read */
  private async readInTurn(
    id: string,
    maxWaitMs: number,
    room: Room | undefined,
    begins: () => void,
  ): Promise<Job | null> {
    for (const end = performance.now() + maxWaitMs; ;) {
      await room?.freed(end - performance.now());
      const job = await TURNS.huge.take(() => {
        // Another one may have filled it meanwhile.
        if (room?.isFull) return Promise.resolve(undefined);
        begins();
        return this.findAlone(id);
      }, end - performance.now());
      if (job !== undefined) return job;
    }
  }

  private findAlone(id: string): Promise<Job | null> {
    return this.jobs.createQueryBuilder('job').where({ id }).getOne();
  }

  /** The jobs, but of large ones how many bytes they have. */
  private async readUnlessLarge(ids: string[]): Promise<Map<string, Job | Large>> {
    const rows: Job[] = await this.database.query(
      prepared(
        'find-jobs',
        `${this.selectJobs} WHERE job.id = ANY($1::uuid[]) AND job.bytes <= ${LARGE_BYTES}`,
      ),
      [ids],
    );
    const found = new Map<string, Job | Large>(rows.map((row) => [row.id, Object.assign(new Job(), row)]));
    const missing = ids.filter((id) => !found.has(id));
    if (missing.length === 0) return found;
    const large: { id: string; project: string; bytes: string }[] = await this.database.query(
      prepared('large-jobs', 'SELECT id, project, bytes FROM jobs WHERE id = ANY($1::uuid[])'),
      [missing],
    );
    // One that was not large a moment ago is read as one that is.
    for (const { id, project, bytes } of large) found.set(id, { project, bytes: Number(bytes) });
    return found;
  }

  private async readCurrent(ids: string[]): Promise<Map<string, CurrentJob>> {
    const rows: CurrentJob[] = await this.database.query(
      prepared(
        'current-jobs',
        'SELECT id, project, status, revision, clock_timestamp() AS "asOf" FROM jobs WHERE id = ANY($1::uuid[])',
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

  /** What waits under this id right now, whatever its shape; null when the scope has no such job. */
  async current(scope: Scope, id: string): Promise<CurrentJob | null> {
    const job = isJobId(id) ? await this.currentBatched(id.toLowerCase()) : null;
    return job && isWithin(scope, job) ? job : null;
  }

  /** When a job, which is there, was submitted: to the microsecond. */
  async createdAtMicros(id: string): Promise<string> {
    const rows: { micros: string }[] = await this.database.query(
      prepared('created-at', `SELECT ${createdAtMicros()} AS micros FROM jobs WHERE id = $1::uuid`),
      [id],
    );
    return rows[0]?.micros ?? '';
  }

  /** What time it is for the database. */
  async clock(): Promise<Date> {
    const rows: { now: Date }[] = await this.database.query(
      prepared('clock', 'SELECT clock_timestamp() AS now'),
    );
    const [row] = rows;
    if (!row) throw new Error('the database returned no time');
    return row.now;
  }

  /** The job that a project submitted under this idempotency key. */
  findByKey({ project }: Scope, idempotencyKey: string): Promise<Job | null> {
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
  answered({ project }: Scope, { before, limit }: { before?: string; limit: number }): Promise<Answered[]> {
    return this.database.query(
      `WITH page AS (
         SELECT * FROM (
           SELECT id, sum(bytes) OVER (ORDER BY id DESC) - bytes AS bytes_before, bytes FROM (
             SELECT id, bytes FROM jobs WHERE project = $3 AND response IS NOT NULL AND ($1::uuid IS NULL OR id < $1) ORDER BY id DESC LIMIT $2
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
      [before ?? null, limit, project],
    );
  }
}
