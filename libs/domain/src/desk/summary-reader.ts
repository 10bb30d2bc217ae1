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
/** Jobs that are looked at for one page of a search. A word that is rare among a million must not take seconds. */
const MAX_SEARCHED = 10_000;

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

  /**
   * Most urgent first: by priority, then by age. A search ends its page after 10,000 jobs that it has looked at, so there may
   * be fewer than `limit`, or none, although `next` is not null. `next`: the job to go on after.
   */
  async waiting(
    scope: Scope,
    filter: SummaryFilter,
    { after, limit }: { after?: ReviewPosition; limit: number },
  ): Promise<{ jobs: Summary[]; next: ReviewPosition | null }> {
    if (filter.asked !== undefined) return this.search(scope, filter, filter.asked, { after, limit });
    const found = await this.summaries(this.inOrder(scope, filter, after).limit(limit + 1));
    return {
      jobs: found.slice(0, limit),
      next: positionOf(found.length > limit ? found[limit - 1] : undefined),
    };
  }

  /** How many there are, counted up to 10,000; of a search, among the 10,000 most urgent. */
  async count(scope: Scope, filter: SummaryFilter): Promise<number> {
    const some =
      filter.asked === undefined
        ? this.where(scope, filter).select('1').limit(MAX_COUNTED)
        : this.searched(scope, filter);
    const [sql, parameters] = some.getQueryAndParameters();
    const [condition, values] = asks(filter.asked, parameters);
    const rows: { count: string }[] = await this.database.query(
      `SELECT count(*) FROM (${sql}) counted WHERE ${condition}`,
      values,
    );
    return Number(rows[0]?.count);
  }

  private async search(
    scope: Scope,
    filter: SummaryFilter,
    asked: string,
    { after, limit }: { after?: ReviewPosition; limit: number },
  ): Promise<{ jobs: Summary[]; next: ReviewPosition | null }> {
    const [sql, parameters] = this.searched(scope, filter, after).getQueryAndParameters();
    const [condition, values] = asks(asked, parameters);
    const found: ReviewPosition[] = await this.database.query(
      `SELECT id, priority FROM (${sql}) looked WHERE ${condition} ORDER BY priority DESC, id LIMIT ${limit + 1}`,
      values,
    );
    const page = found.slice(0, limit);
    const ids = page.map(({ id }) => id);
    // One that has left the list since is not shown.
    const jobs = await this.summaries(this.inOrder(scope, { ...filter, asked: undefined, ids }));
    if (found.length > limit) return { jobs, next: positionOf(page.at(-1)) };
    const [last]: ReviewPosition[] = await this.database.query(
      `SELECT id, priority FROM (${sql}) looked OFFSET ${MAX_SEARCHED - 1}`,
      parameters,
    );
    return { jobs, next: positionOf(last) };
  }

  /** What one page of a search looks at. */
  private searched(scope: Scope, filter: SummaryFilter, after?: ReviewPosition): SelectQueryBuilder<Job> {
    return this.inOrder(scope, { ...filter, asked: undefined }, after)
      .select('job.id', 'id')
      .addSelect('job.priority', 'priority')
      .addSelect('job.asked', 'asked')
      .limit(MAX_SEARCHED);
  }

  private inOrder(scope: Scope, filter: SummaryFilter, after?: ReviewPosition): SelectQueryBuilder<Job> {
    const query = this.where(scope, filter).orderBy('job.priority', 'DESC').addOrderBy('job.id', 'ASC');
    if (after) {
      query.andWhere(
        '(job.priority < :afterPriority OR (job.priority = :afterPriority AND job.id > :afterId))',
        {
          afterPriority: after.priority,
          afterId: after.id,
        },
      );
    }
    return query;
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
    return query;
  }
}

function positionOf(job: ReviewPosition | undefined): ReviewPosition | null {
  return job ? { priority: job.priority, id: job.id } : null;
}

/** The condition that `asked` has the text, and the parameters of the statement with those of the condition. */
function asks(text: string | undefined, parameters: unknown[]): [condition: string, parameters: unknown[]] {
  if (text === undefined) return ['true', parameters];
  return [`asked ILIKE $${parameters.length + 1}`, [...parameters, `%${text.replace(/[\\%_]/g, '\\$&')}%`]];
}
