import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Scope } from '../caller';

/** By whom contents are erased, and why, as the event tells it. */
interface Erasing {
  actor: string;
  reason: string;
}

/**
 * Erases what jobs were about: payloads, responses, drafts, and what people wrote. The job stays, with who did what and when,
 * and the hashes of its events. The database refuses that for a job that has not ended.
 */
@Injectable()
export class ErasureStore {
  constructor(@Inject(DataSource) private readonly database: DataSource) {}

  /** Answers whether it was erased by this call: not where it has not ended, or was erased before. */
  async erase({ project }: Scope, jobId: string, { actor, reason }: Erasing): Promise<boolean> {
    const rows: unknown[] = await this.database.query(
      'SELECT hitl_erase(ARRAY(SELECT id FROM jobs WHERE id = $1::uuid AND project = $2), $3, $4)',
      [jobId, project, actor, reason],
    );
    return rows.length > 0;
  }

  /** The same for many jobs of any project, but for those that somebody else changes just now. Answers how many were erased. */
  async eraseAll(jobIds: string[], { actor, reason }: Erasing): Promise<number> {
    const rows: unknown[] = await this.database.query(
      'SELECT hitl_erase(ARRAY(SELECT id FROM jobs WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE SKIP LOCKED), $2, $3)',
      [jobIds, actor, reason],
    );
    return rows.length;
  }

  /** The projects that have ended jobs with contents. */
  async projects(): Promise<string[]> {
    const next = (after: string): string =>
      `(SELECT min(project) FROM jobs WHERE finished_at IS NOT NULL AND erased_at IS NULL ${after})`;
    // From one project to the next in the index, however many jobs each has.
    const rows: { project: string }[] = await this.database.query(
      `WITH RECURSIVE known (project) AS (
         SELECT ${next('')} UNION ALL SELECT ${next('AND project > known.project')} FROM known WHERE known.project IS NOT NULL
       ) SELECT project FROM known WHERE project IS NOT NULL`,
    );
    return rows.map(({ project }) => project);
  }

  /** Up to `limit` jobs with contents that had ended so many days ago, oldest first, but for those in `without`. */
  async olderThan({ project }: Scope, days: number, limit: number, without: string[]): Promise<string[]> {
    const rows: { id: string }[] = await this.database.query(
      `SELECT id FROM jobs
       WHERE project = $1 AND finished_at IS NOT NULL AND erased_at IS NULL AND finished_at < now() - $2::int * interval '1 day'
         AND id <> ALL ($4::uuid[])
       ORDER BY finished_at, id LIMIT $3`,
      [project, days, limit, without],
    );
    return rows.map(({ id }) => id);
  }
}
