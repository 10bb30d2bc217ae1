import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Json } from '../json';
import { prepared } from '../prepared';
import { Draft } from './draft.entity';

/** What reviewers have begun to write: one draft for each reviewer and job. */
@Injectable()
export class DraftStore {
  constructor(@Inject(DataSource) private readonly database: DataSource) {}

  find(jobId: string, actor: string): Promise<Draft | null> {
    return this.database.getRepository(Draft).findOne({ where: { jobId, actor } });
  }

  /** When this reviewer's draft for a job was saved; null: there is none. */
  async savedAt(jobId: string, actor: string): Promise<Date | null> {
    const rows: { savedAt: Date }[] = await this.database.query(
      prepared(
        'draft-saved',
        'SELECT updated_at AS "savedAt" FROM drafts WHERE job_id = $1::uuid AND actor = $2',
      ),
      [jobId, actor],
    );
    return rows[0]?.savedAt ?? null;
  }

  /** Keeps it instead of an earlier one, while the job has not ended. Answers whether it was kept. */
  async save(draft: { jobId: string; actor: string; revision: number; content: Json }): Promise<boolean> {
    const rows: unknown[] = await this.database.query(
      `INSERT INTO drafts (job_id, actor, revision, content)
       SELECT id, $2, $3::int, $4::jsonb FROM jobs WHERE id = $1::uuid AND status IN ('bot', 'human')
       ON CONFLICT (job_id, actor) DO UPDATE SET revision = excluded.revision, content = excluded.content, updated_at = now()
       RETURNING 1`,
      [draft.jobId, draft.actor, draft.revision, JSON.stringify(draft.content)],
    );
    return rows.length > 0;
  }

  /** Answers nothing: a draft that is not there is gone. */
  async delete(jobId: string, actor: string): Promise<void> {
    await this.database.query('DELETE FROM drafts WHERE job_id = $1::uuid AND actor = $2', [jobId, actor]);
  }
}
