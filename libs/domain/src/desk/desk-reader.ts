import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type Repository } from 'typeorm';
import type { Scope } from '../caller';
import { Job } from '../jobs/job.entity';
import { bytesOf, firstFitting, MAX_PAGE_BYTES, type Sized, type UnreadPage } from '../jobs/job-lists';
import { prepared } from '../prepared';
import { Decision } from './decision.entity';
import { obstacle, type DeskCaller, type Obstacle } from './obstacle';
import { readRevision, type EarlierAnswer } from './restore';

/** Where a page of reviews goes on. */
export interface ReviewPosition {
  priority: number;
  id: string;
}

/** Reads of what waits for a human, and of the decisions on it. */
@Injectable()
export class DeskReader {
  private readonly jobs: Repository<Job>;

  constructor(@Inject(DataSource) private readonly database: DataSource) {
    this.jobs = database.getRepository(Job);
  }

  /**
   * Jobs that wait for a human, most urgent first: by priority, then by age. Fewer than `limit` where they come to
   * more than 8 MiB together, though at least one.
   * @param decidableBy only those on which this reviewer may decide now
   */
  async waiting(
    { project }: Scope,
    {
      after,
      limit,
      decidableBy = null,
    }: { after?: ReviewPosition; limit: number; decidableBy?: DeskCaller | null },
  ): Promise<UnreadPage<Job, ReviewPosition>> {
    const found: (ReviewPosition & Sized)[] = await this.database.query(
      `SELECT id, priority, bytes FROM jobs j
       WHERE project = $4 AND status = 'human' AND ($1::smallint IS NULL OR priority < $1 OR (priority = $1 AND id > $2::uuid))
         ${decidableBy ? `AND ${obstacle('$5::text', '$6::jsonb')} IS NULL` : ''}
       ORDER BY priority DESC, id LIMIT $3`,
      [
        after?.priority ?? null,
        after?.id ?? null,
        limit + 1,
        project,
        ...(decidableBy ? [decidableBy.actor, JSON.stringify(decidableBy.desk)] : []),
      ],
    );
    const page = firstFitting(found.slice(0, limit), MAX_PAGE_BYTES);
    const last = page.at(-1);
    return {
      bytes: bytesOf(page),
      next: last && found.length > page.length ? { priority: last.priority, id: last.id } : null,
      read: () =>
        this.jobs
          .createQueryBuilder('job')
          .where("job.status = 'human' AND job.id = ANY(:ids)", { ids: page.map(({ id }) => id) })
          .orderBy('job.priority', 'DESC')
          .addOrderBy('job.id', 'ASC')
          .getMany(),
    };
  }

  /** Jobs whose answer has waited for the policy's plan for longer than `ms`, oldest first. */
  unplanned(ms: number, limit: number): Promise<{ id: string }[]> {
    return this.database.query(
      `SELECT id FROM jobs WHERE status = 'human' AND planned_at IS NULL AND waiting_since < now() - $1 * interval '1 millisecond'
       ORDER BY waiting_since LIMIT $2`,
      [ms, limit],
    );
  }

  /** What keeps a reviewer from deciding on each of the jobs now; null: nothing. Jobs outside the scope are left out. */
  async obstacles(
    { project }: Scope,
    ids: string[],
    { actor, desk }: DeskCaller,
  ): Promise<Map<string, Obstacle | null>> {
    const rows: { id: string; obstacle: Obstacle | null }[] = await this.database.query(
      prepared(
        'obstacles',
        `SELECT id, ${obstacle('$2::text', '$3::jsonb')} AS obstacle FROM jobs j WHERE id = ANY($1::uuid[]) AND project = $4`,
      ),
      [ids, actor, JSON.stringify(desk), project],
    );
    return new Map(rows.map((row) => [row.id, row.obstacle]));
  }

  /** The newest decision on a job. */
  lastDecision(jobId: string): Promise<Decision | null> {
    return this.database.getRepository(Decision).findOne({ where: { jobId }, order: { createdAt: 'DESC' } });
  }

  /** A decision by its own id, of any project. */
  findDecision(id: string): Promise<Decision | null> {
    return this.database.getRepository(Decision).findOne({ where: { id } });
  }

  /** The job, of any project, on which a decision with this id is held. */
  async holderOf(decisionId: string): Promise<{ jobId: string; project: string } | null> {
    const rows: { jobId: string; project: string }[] = await this.database.query(
      `SELECT id AS "jobId", project FROM jobs WHERE held_decision IS NOT NULL AND held_decision ->> 'id' = $1`,
      [decisionId],
    );
    return rows[0] ?? null;
  }

  /** Who took a decision with this id back first; null: nobody. */
  async undoneBy(jobId: string, decisionId: string): Promise<string | null> {
    const rows: { actor: string }[] = await this.database.query(
      `SELECT actor FROM job_events WHERE job_id = $1 AND type = 'undone' AND data ->> 'decision_id' = $2 ORDER BY id LIMIT 1`,
      [jobId, decisionId],
    );
    return rows[0]?.actor ?? null;
  }

  /** The answer that a job had at a revision, with its request; null when it never had that revision. */
  revision(jobId: string, revision: number): Promise<EarlierAnswer | null> {
    return readRevision(this.database, jobId, revision);
  }
}
