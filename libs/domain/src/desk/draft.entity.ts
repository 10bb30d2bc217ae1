import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { JsonText } from '../json';

/** What a reviewer has begun to write about a job; only for that reviewer, and gone once they have decided or the job has ended. */
@Entity('drafts')
export class Draft {
  @PrimaryColumn('uuid', { name: 'job_id' })
  jobId: string;

  @PrimaryColumn('text')
  actor: string;

  /** The revision that it was begun on. */
  @Column('int')
  revision: number;

  @Column('json')
  content: JsonText;

  @Column('timestamptz', { name: 'updated_at' })
  updatedAt: Date;
}
