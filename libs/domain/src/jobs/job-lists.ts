import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type Repository, type SelectQueryBuilder } from 'typeorm';
import { batchedStatement } from '../batched-statement';
import { isWithin, type Scope } from '../caller';
import { Job, LISTED, type ListedJob } from './job.entity';
import { isJobId } from './job-id';
import { prepared } from '../prepared';
import type { JobStatus } from './transitions';

/** Bytes of the jobs that a page has at most, unless one job alone has more. */
export const MAX_PAGE_BYTES = 8_388_608;
/** A job of more bytes is large: it is read by itself, and does not hold up those that are read with many others. */
export const LARGE_BYTES = 65_536;
/** Bytes of jobs that a list without pages reads at once, unless one job alone has more. */
const MAX_PIECE_BYTES = 1_048_576;

/** Jobs that are not read yet, since together they may be large. */
export interface UnreadPage<Row, Position> {
  /** How large they are as the database keeps them unpacked; as text about as large, or smaller. */
  bytes: number;
  /** Where to go on; null at the end. */
  next: Position | null;
  /** In the order of the list; without those that have left it since. */
  read(): Promise<Row[]>;
}

/** What the original API tells of a job, with the moment of its submission to the microsecond. */
export type ExactJob = Pick<
  Job,
  'id' | 'status' | 'payload' | 'response' | 'failureReason' | 'failureDetail'
> & { createdAtMicros: string };

/** A job of a list, by its size. */
export interface Sized {
  id: string;
  /** A bigint, which the driver hands over as text. */
  bytes: string;
}

/** Lists of whole jobs. Each is found by its sizes first, and read in parts of bounded size. */
@Injectable()
export class JobLists {
  private readonly jobs: Repository<Job>;
  private readonly exactBatched: (id: string) => Promise<(ExactJob & Scope) | null>;

  constructor(@Inject(DataSource) private readonly database: DataSource) {
    this.jobs = database.getRepository(Job);
    this.exactBatched = batchedStatement(async (ids: string[]) => {
      const jobs: (ExactJob & Scope)[] = await database.query(
        prepared(
          'exact-jobs',
          `SELECT id, project, status, payload, response, failure_reason AS "failureReason", failure_detail AS "failureDetail",
                  ${createdAtMicros()} AS "createdAtMicros"
           FROM jobs WHERE id = ANY($1::uuid[]) AND bytes <= ${LARGE_BYTES}`,
        ),
        [[...new Set(ids)]],
      );
      const found = new Map(jobs.map((job) => [job.id, job]));
      return ids.map((id) => found.get(id) ?? null);
    });
  }

  /** One job in one statement, unless it is large; null then, and when the scope has none with this id. */
  async exactUnlessLarge(scope: Scope, id: string): Promise<ExactJob | null> {
    const found = isJobId(id) ? await this.exactBatched(id.toLowerCase()) : null;
    return found && isWithin(scope, found) ? found : null;
  }

  /**
   * Newest first, from the job after `before` on. Fewer than `limit` where they come to more than 8 MiB together, though
   * at least one. `next`: the job to go on after.
   */
  async newest(
    { project }: Scope,
    { status, before, limit }: { status?: JobStatus; before?: string; limit: number },
  ): Promise<UnreadPage<ListedJob, string>> {
    const found: Sized[] = await this.database.query(
      `SELECT id, bytes FROM jobs WHERE project = $4 AND ($1::text IS NULL OR status = $1) AND ($2::uuid IS NULL OR id < $2)
       ORDER BY id DESC LIMIT $3`,
      [status ?? null, before ?? null, limit + 1, project],
    );
    const page = firstFitting(found.slice(0, limit), MAX_PAGE_BYTES);
    return {
      bytes: bytesOf(page),
      next: found.length > page.length ? (page.at(-1)?.id ?? null) : null,
      read: () => this.listed(page).orderBy('job.id', 'DESC').getMany(),
    };
  }

  /** Oldest first, without the first `offset`: all of them, in parts of at most 1 MiB, but for single larger jobs. */
  async oldest(
    { project }: Scope,
    { status, offset, limit }: { status?: JobStatus; offset: number; limit: number },
  ): Promise<UnreadPage<ExactJob, never>[]> {
    const found: (Sized & { micros: string })[] = await this.database.query(
      // Of what is skipped only the index is read.
      `SELECT id, bytes, ${createdAtMicros()} AS micros FROM jobs
       WHERE id IN (SELECT id FROM jobs WHERE project = $3 ${status ? 'AND status = $4' : ''} ORDER BY id OFFSET $1 LIMIT $2)
       ORDER BY id`,
      [offset, limit, project, ...(status ? [status] : [])],
    );
    const micros = new Map(found.map((one) => [one.id, one.micros]));
    const parts: UnreadPage<ExactJob, never>[] = [];
    while (found.length > 0) {
      const part = firstFitting(found, MAX_PIECE_BYTES);
      found.splice(0, part.length);
      parts.push({
        bytes: bytesOf(part),
        next: null,
        read: async () => {
          const jobs = await this.listed(part).orderBy('job.id', 'ASC').getMany();
          return jobs.map((job) => Object.assign(job, { createdAtMicros: micros.get(job.id) ?? '' }));
        },
      });
    }
    return parts;
  }

  private listed(jobs: Sized[]): SelectQueryBuilder<Job> {
    return this.jobs
      .createQueryBuilder('job')
      .select(LISTED.map((column) => `job.${column}`))
      .where('job.id = ANY(:ids)', { ids: jobs.map(({ id }) => id) });
  }
}

/** SQL for the moment of a job's submission to the microsecond, in UTC. */
export function createdAtMicros(job = 'jobs'): string {
  return `to_char(${job}.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
}

/** The first of the jobs that have at most so many bytes together; at least one where there are any. */
export function firstFitting<T extends Sized>(jobs: T[], most: number): T[] {
  let bytes = 0;
  const tooMany = jobs.findIndex((job, index) => (bytes += Number(job.bytes)) > most && index > 0);
  return tooMany === -1 ? jobs.slice() : jobs.slice(0, tooMany);
}

export function bytesOf(jobs: Sized[]): number {
  return jobs.reduce((sum, { bytes }) => sum + Number(bytes), 0);
}
