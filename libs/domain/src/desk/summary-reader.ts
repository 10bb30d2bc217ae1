import { Inject, Injectable } from '@nestjs/common';
import { Brackets, DataSource, type SelectQueryBuilder } from 'typeorm';
import { batchedStatement } from '../batched-statement';
import { isWithin, type Scope } from '../caller';
import { heldClientOf } from '../holds/hold-store';
import type { ReviewPosition } from './desk-reader';
import { Job } from '../jobs/job.entity';
import { countNotes } from './remark-reader';
import { obstacle, type DeskCaller } from './obstacle';

/** Jobs that a count counts at most: beyond, nobody works off a list. */
const MAX_COUNTED = 10_000;

/** What is shown of a job without what it is about: no payload, no answer. */
const COLUMNS = [
  'id',
  'project',
  'status',
  'asked',
  'model',
  'priority',
  'waitingSince',
  'deadlineAt',
  'onDeadline',
  'deadlineGraceSeconds',
  'atWorkUntil',
  'rule',
  'group',
  'approvals',
  'approvedBy',
  'rejectedBy',
  'claimedBy',
  'claimedAt',
  'claimedUntil',
  'heldUntil',
  'revision',
  'edited',
  'createdAt',
  'updatedAt',
] as const satisfies (keyof Job)[];

/** Of a held decision: an edited answer may be as long as the job's own. */
const HELD = `CASE WHEN job.held_decision IS NOT NULL THEN jsonb_build_object('id', job.held_decision -> 'id',
  'verdict', job.held_decision -> 'verdict', 'actor', job.held_decision -> 'actor') END`;

export type Summary = Pick<Job, (typeof COLUMNS)[number] | 'heldDecision' | 'client'> & {
  notesCount: number;
  /** How many violations its answer has. */
  violations: number;
};

/** Which waiting jobs to list; what is absent does not matter. */
export interface SummaryFilter {
  ids?: string[];
  model?: string;
  rule?: string;
  group?: string;
  /** Only those that have none; jobs without a group are for everybody. */
  without?: 'model' | 'rule' | 'group';
  /** The name of who has it now. */
  claimedBy?: string;
  unclaimed?: boolean;
  priority?: number;
  /** A part of what was asked, in any letter case. */
  asked?: string;
  /** Only those on which this reviewer may decide now. */
  decidableBy?: DeskCaller;
}

/** Reads jobs without what they are about, such as lists of thousands of them. */
@Injectable()
export class SummaryReader {
  private readonly findBatched: (id: string) => Promise<Summary | null>;

  constructor(@Inject(DataSource) private readonly database: DataSource) {
    this.findBatched = batchedStatement(async (ids: string[]) => {
      const jobs = await this.summaries(
        database.createQueryBuilder(Job, 'job').where('job.id = ANY(:ids::uuid[])', { ids }),
      );
      const byId = new Map(jobs.map((job) => [job.id, job]));
      return ids.map((id) => byId.get(id) ?? null);
    });
  }

  /** The job with this id, in any status; null when the scope has none. */
  async find(scope: Scope, id: string): Promise<Summary | null> {
    const job = await this.findBatched(id);
    return job && isWithin(scope, job) ? job : null;
  }

  /** Most urgent first: by priority, then by age. */
  async waiting(
    scope: Scope,
    filter: SummaryFilter,
    { after, limit }: { after?: ReviewPosition; limit: number },
  ): Promise<Summary[]> {
    const query = this.where(scope, filter)
      .orderBy('job.priority', 'DESC')
      .addOrderBy('job.id', 'ASC')
      .limit(limit);
    if (after) {
      query.andWhere(
        '(job.priority < :afterPriority OR (job.priority = :afterPriority AND job.id > :afterId))',
        {
          afterPriority: after.priority,
          afterId: after.id,
        },
      );
    }
    return this.summaries(query);
  }

  /** How many there are, counted up to 10,000. */
  async count(scope: Scope, filter: SummaryFilter): Promise<number> {
    const some = this.where(scope, filter).select('1').limit(MAX_COUNTED);
    const [sql, parameters] = some.getQueryAndParameters();
    const rows: { count: string }[] = await this.database.query(
      `SELECT count(*) FROM (${sql}) counted`,
      parameters,
    );
    return Number(rows[0]?.count);
  }

  private summaries(query: SelectQueryBuilder<Job>): Promise<Summary[]> {
    query
      .select(HELD, 'heldDecision')
      .addSelect(heldClientOf('job'), 'client')
      .addSelect(countNotes('job.id'), 'notesCount')
      .addSelect('coalesce(jsonb_array_length(job.response_violations), 0)', 'violations');
    for (const column of COLUMNS) query.addSelect(`job.${column}`, column);
    return query.getRawMany<Summary>();
  }

  private where({ project }: Scope, filter: SummaryFilter): SelectQueryBuilder<Job> {
    const query = this.database
      .createQueryBuilder(Job, 'job')
      .where("job.status = 'human' AND job.project = :project", { project });
    const live = 'job.claimedUntil > now()';
    if (filter.ids) query.andWhere('job.id = ANY(:ids::uuid[])', { ids: filter.ids });
    if (filter.model !== undefined) query.andWhere('job.model = :model', filter);
    if (filter.rule !== undefined) query.andWhere('job.rule = :rule', filter);
    if (filter.group !== undefined) query.andWhere('job.group = :group', filter);
    if (filter.without) query.andWhere(`coalesce(job.${filter.without}, '') = ''`);
    if (filter.priority !== undefined) query.andWhere('job.priority = :priority', filter);
    if (filter.claimedBy !== undefined) query.andWhere(`job.claimedBy = :claimedBy AND ${live}`, filter);
    if (filter.unclaimed) {
      query.andWhere(new Brackets((where) => where.where('job.claimedBy IS NULL').orWhere(`NOT ${live}`)));
    }
    if (filter.decidableBy) {
      const { actor, desk } = filter.decidableBy;
      query.andWhere(`${obstacle(':deciding', 'CAST(:rules AS jsonb)', { job: 'job' })} IS NULL`, {
        deciding: actor,
        rules: JSON.stringify(desk),
      });
    }
    if (filter.asked !== undefined) {
      query.andWhere('job.asked ILIKE :asked', { asked: `%${filter.asked.replace(/[\\%_]/g, '\\$&')}%` });
    }
    return query;
  }
}
