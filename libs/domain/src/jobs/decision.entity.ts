import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Verdict } from './transitions';

/**
 * A verdict on one exact revision of a job. A job can be `success` only while a decision releases exactly its
 * current revision and content: a foreign key says so.
 */
@Entity('decisions')
export class Decision {
  /** Made by whoever asks for the decision; asking twice with one id decides once. */
  @PrimaryColumn('uuid')
  id: string;

  @Column('uuid', { name: 'job_id' })
  jobId: string;

  /** The revision that was judged. */
  @Column('int')
  revision: number;

  @Column('text')
  verdict: Verdict;

  @Column('text')
  actor: string;

  @Column('text', { nullable: true })
  reason: string | null;

  @Column('text', { nullable: true })
  feedback: string | null;

  /** The revision that may be delivered: the judged one, or the edit's. Null unless approved. */
  @Column('int', { name: 'released_revision', nullable: true })
  releasedRevision: number | null;

  /** SHA-256 of the released response, computed by the database. Null unless approved. */
  @Column('bytea', { name: 'released_hash', nullable: true })
  releasedHash: Buffer | null;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;
}
