import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Json } from '../json';
import type { FailureReason, JobStatus } from './transitions';

/** Tokens, and money where prices are known. */
export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  /** In the currency of the prices; absent where no price is known. */
  cost?: number;
}

/** One AI request, from submission to delivery. Written only by the job store; the schema is in the migrations. */
@Entity('jobs')
export class Job {
  /** UUIDv7: sorts by time of submission. */
  @PrimaryColumn('uuid')
  id: string;

  /** The tenant that the job belongs to. */
  @Column('text')
  project: string;

  @Column('text')
  status: JobStatus;

  /** What the submitter sent for the model. */
  @Column('jsonb')
  payload: Json;

  /** The current output: null in `bot`, unreviewed in `human`, approved in `success`. */
  @Column('jsonb', { nullable: true })
  response: Json;

  /** Whether a human has changed the current output. */
  @Column('boolean')
  edited: boolean;

  /** The number of the current output, 0 before the first. Every inference and every edit makes a new one. */
  @Column('int')
  revision: number;

  /** Tries at calling the model since submission. */
  @Column('int')
  attempts: number;

  /** Tries since the job last entered `bot`: what MODEL_MAX_ATTEMPTS bounds. */
  @Column('int', { name: 'round_attempts' })
  roundAttempts: number;

  /** 0 to 9; orders what humans see first. */
  @Column('smallint')
  priority: number;

  @Column('jsonb')
  metadata: Record<string, string>;

  /** What the model's answers have used so far, summed up; null while nothing is known. */
  @Column('jsonb', { nullable: true })
  usage: Usage | null;

  /** Told when the job has ended. */
  @Column('text', { name: 'callback_url', nullable: true })
  callbackUrl: string | null;

  /** A submitter's own key: submitting again under it is the same job. */
  @Column('text', { name: 'idempotency_key', nullable: true })
  idempotencyKey: string | null;

  /** SHA-256 of the request that came with the key. */
  @Column('bytea', { name: 'request_hash', nullable: true })
  requestHash: Buffer | null;

  /** What reviewers asked for when they sent the job back to the model, oldest first. */
  @Column('text', { array: true })
  feedback: string[];

  @Column('text', { name: 'failure_reason', nullable: true })
  failureReason: FailureReason | null;

  @Column('text', { name: 'failure_detail', nullable: true })
  failureDetail: string | null;

  /** Fencing token of the worker that holds the job; an outcome with another token changes nothing. */
  @Column('uuid', { name: 'lease_token', nullable: true })
  leaseToken: string | null;

  /** No worker may claim before this: the end of the running lease, or of the back-off. */
  @Column('timestamptz', { name: 'lease_until', nullable: true })
  leaseUntil: Date | null;

  /** When the reconciler rings for a job in `bot` that nobody holds. */
  @Column('timestamptz', { name: 'next_kick_at', nullable: true })
  nextKickAt: Date | null;

  /** How often the reconciler rang since the last change; the gaps grow with it. */
  @Column('smallint')
  kicks: number;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;

  @Column('timestamptz', { name: 'updated_at' })
  updatedAt: Date;

  @Column('timestamptz', { name: 'finished_at', nullable: true })
  finishedAt: Date | null;
}
