import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';
import type { Json } from '../json';
import type { JobEventType, JobStatus } from '../jobs/transitions';

/**
 * One thing that happened to a job. Append-only; written in the statement that made it happen. The table also has the
 * writing transaction's id, which TypeORM cannot express: see the event reader.
 */
@Entity('job_events')
export class JobEvent {
  /** Not handed out in commit order. */
  @PrimaryGeneratedColumn('identity', { type: 'bigint', generatedIdentity: 'ALWAYS' })
  id: string;

  @Column('uuid', { name: 'job_id' })
  jobId: string;

  @Column('text')
  type: JobEventType;

  /** The job's status and revision after the event. */
  @Column('text')
  status: JobStatus;

  @Column('int')
  revision: number;

  /** Who did it: a person's name, `worker`, or `policy:` and the rule's name. */
  @Column('text')
  actor: string;

  /** What else is worth knowing, such as a failed attempt's `detail` or a decision's `decision_id`. */
  @Column('jsonb', { nullable: true })
  data: Record<string, Json> | null;

  /** The `payload` and `response` that this event overwrote, so that no output is ever lost. */
  @Column('jsonb', { nullable: true })
  replaced: { payload?: Json; response?: Json } | null;

  /** The policy under which it happened, where there was one. */
  @Column('text', { name: 'policy_hash', nullable: true })
  policyHash: string | null;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;

  /** The event's number among its job's, from 1. The database fills it in. */
  @Column('int')
  seq: number;

  /** SHA-256 over the hash of the event before and all of this one; see the event chain. The database fills it in. */
  @Column('bytea')
  hash: Buffer;
}
