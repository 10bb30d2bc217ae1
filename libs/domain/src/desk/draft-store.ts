import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Scope } from '../caller';
import type { JsonText } from '../json';
import { prepared, quick } from '../prepared';
import { Draft } from './draft.entity';
import { AT_WORK_SECONDS, AT_WORK_UNTIL } from './at-work';

/**
 * What reviewers have begun to write: one draft for each reviewer and job. One that was saved in the very moment in
 * which its job ended may be left over; nobody reads it, and it is swept.
 */
@Injectable()
export class DraftStore {
  constructor(@Inject(DataSource) private readonly database: DataSource) {}

  /** This reviewer's draft for a job; null: there is none, or the job has ended. */
  find({ project }: Scope, jobId: string, actor: string): Promise<Draft | null> {
    return this.database
      .createQueryBuilder(Draft, 'draft')
      .comment('quick')
      .where('draft.jobId = :jobId AND draft.actor = :actor', { jobId, actor })
      .andWhere(
        `EXISTS (SELECT FROM jobs WHERE id = draft.jobId AND project = :project AND status IN ('bot', 'human'))`,
        { project },
      )
      .getOne();
  }

  /** When this reviewer's draft for a job was saved; null: there is none, or the job has ended. */
  async savedAt({ project }: Scope, jobId: string, actor: string): Promise<Date | null> {
    const rows: { savedAt: Date }[] = await this.database.query(
      prepared(
        'draft-saved',
        `SELECT d.updated_at AS "savedAt" FROM drafts d JOIN jobs j ON j.id = d.job_id
         WHERE d.job_id = $1::uuid AND d.actor = $2 AND j.project = $3 AND j.status IN ('bot', 'human')`,
      ),
      [jobId, actor, project],
    );
    return rows[0]?.savedAt ?? null;
  }

  /**
   * Keeps it instead of an earlier one, while the job has not ended, and notes on the job that somebody is at work: a
   * deadline step of the same moment sees either the note, or ends the job before the draft is kept. Answers whether it
   * was kept.
   */
  async save(
    { project }: Scope,
    draft: { jobId: string; actor: string; revision: number; content: JsonText },
  ): Promise<boolean> {
    const rows: unknown[] = await this.database.query(
      quick(`WITH job AS (
         UPDATE jobs SET at_work_until = ${AT_WORK_UNTIL} WHERE id = $1::uuid AND project = $5 AND status IN ('bot', 'human') RETURNING id
       )
       INSERT INTO drafts (job_id, actor, revision, content)
       SELECT id, $2, $3::int, $4::json FROM job
       ON CONFLICT (job_id, actor) DO UPDATE SET revision = excluded.revision, content = excluded.content, updated_at = now()
       RETURNING 1`),
      [draft.jobId, draft.actor, draft.revision, draft.content.text, project],
    );
    return rows.length > 0;
  }

  /** Answers nothing: a draft that is not there is gone. */
  async delete({ project }: Scope, jobId: string, actor: string): Promise<void> {
    await this.database.query(
      // The job knows of the newest draft only: with that one its author goes, if nobody has saved another since.
      quick(`WITH job AS (
         UPDATE jobs j SET at_work_until = (
           SELECT max(updated_at) + ${AT_WORK_SECONDS} * interval '1 second' FROM drafts WHERE job_id = j.id AND actor <> $2)
         FROM drafts d
         WHERE j.id = $1::uuid AND j.project = $3 AND d.job_id = j.id AND d.actor = $2
           AND j.at_work_until = d.updated_at + ${AT_WORK_SECONDS} * interval '1 second'
       )
       DELETE FROM drafts d WHERE d.job_id = $1::uuid AND d.actor = $2
         AND EXISTS (SELECT FROM jobs WHERE id = d.job_id AND project = $3)`),
      [jobId, actor, project],
    );
  }

  /** Throws away up to `limit` drafts of jobs that have ended. Answers how many. */
  async sweep(limit: number): Promise<number> {
    // Asked for each draft: joined, a planner may walk through all jobs for a few of them.
    const rows: { count: string }[] = await this.database.query(
      `WITH swept AS (
         DELETE FROM drafts WHERE (job_id, actor) IN (
           SELECT job_id, actor FROM drafts d WHERE (SELECT status FROM jobs WHERE id = d.job_id) IN ('success', 'fail') LIMIT $1)
         RETURNING 1
       )
       SELECT count(*) FROM swept`,
      [limit],
    );
    return Number(rows[0]?.count);
  }
}
