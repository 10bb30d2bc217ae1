import { Inject, Injectable } from '@nestjs/common';
import { Brackets, DataSource, type SelectQueryBuilder } from 'typeorm';
import type { ReviewPosition } from './job-reader';
import { Job } from './job.entity';

/** Jobs that a count counts at most: beyond, nobody works off a list. */
const MOST_COUNTED = 10_000;

/** What a list of waiting jobs shows of each: no payload, no answer. */
const COLUMNS = [
  'id',
  'asked',
  'model',
  'priority',
  'waitingSince',
  'deadlineAt',
  'rule',
  'group',
  'approvals',
  'approvedBy',
  'rejectedBy',
  'claimedBy',
  'claimedAt',
  'claimedUntil',
  'heldDecision',
  'heldUntil',
  'revision',
  'edited',
  'createdAt',
] as const satisfies (keyof Job)[];

export type Summary = Pick<Job, (typeof COLUMNS)[number]>;

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
}

/** Reads lists of thousands of waiting jobs. */
@Injectable()
export class SummaryReader {
  constructor(@Inject(DataSource) private readonly database: DataSource) {}

  /** Most urgent first: by priority, then by age. */
  async waiting(
    filter: SummaryFilter,
    { after, limit }: { after?: ReviewPosition; limit: number },
  ): Promise<Summary[]> {
    const query = this.where(filter)
      .select(COLUMNS.map((column) => `job.${column}`))
      .orderBy('job.priority', 'DESC')
      .addOrderBy('job.id', 'ASC')
      .take(limit);
    if (after) {
      query.andWhere(
        '(job.priority < :afterPriority OR (job.priority = :afterPriority AND job.id > :afterId))',
        {
          afterPriority: after.priority,
          afterId: after.id,
        },
      );
    }
    return query.getMany();
  }

  /** How many there are, counted up to 10,000. */
  async count(filter: SummaryFilter): Promise<number> {
    const some = this.where(filter).select('1').limit(MOST_COUNTED);
    const [sql, parameters] = some.getQueryAndParameters();
    const rows: { count: string }[] = await this.database.query(
      `SELECT count(*) FROM (${sql}) counted`,
      parameters,
    );
    return Number(rows[0]?.count);
  }

  private where(filter: SummaryFilter): SelectQueryBuilder<Job> {
    const query = this.database.createQueryBuilder(Job, 'job').where("job.status = 'human'");
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
    if (filter.asked !== undefined) {
      query.andWhere('job.asked ILIKE :asked', { asked: `%${filter.asked.replace(/[\\%_]/g, '\\$&')}%` });
    }
    return query;
  }
}
