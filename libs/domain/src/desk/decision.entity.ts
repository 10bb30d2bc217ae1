import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { JsonText } from '../json';
import type { Verdict } from '../jobs/transitions';

/**
 * A verdict on one exact revision of a job: a reviewer's, or a policy's. A job can be `success` only while a decision releases exactly its
 * current revision and content: a foreign key says so.
 */
@Entity('decisions')
export class Decision {
  /** Made by whoever asks for the decision; asking twice with one id decides once. */
  @PrimaryColumn('uuid')
  id: string;

  @Column('uuid', { name: 'job_id' })
  jobId: string;

  /** The job's. */
  @Column('text')
  project: string;

  /** The revision that was judged. */
  @Column('int')
  revision: number;

  @Column('text')
  verdict: Verdict;

  @Column('text')
  actor: string;

  /** Why, for those who review and audit. */
  @Column('text', { nullable: true })
  reason: string | null;

  /** Why, as one of the project's reasons. */
  @Column('text', { name: 'reason_code', nullable: true })
  reasonCode: string | null;

  /** Why, as the submitter may read it. */
  @Column('text', { name: 'submitter_message', nullable: true })
  submitterMessage: string | null;

  @Column('text', { nullable: true })
  feedback: string | null;

  /** The revision that may be delivered: the judged one, or the edit's. Null unless approved for good. */
  @Column('int', { name: 'released_revision', nullable: true })
  releasedRevision: number | null;

  /** SHA-256 of the released response, computed by the database. Null unless approved. */
  @Column('bytea', { name: 'released_hash', nullable: true })
  releasedHash: Buffer | null;

  /** SHA-256 of the request; the same id with another request is refused. */
  @Column('bytea', { name: 'request_hash', nullable: true })
  requestHash: Buffer | null;

  /** Whether it took the job out of `human`; otherwise it counts as one of several people's. */
  @Column('boolean')
  final: boolean;

  /** Whether the policy decided, not a person. */
  @Column('boolean')
  automatic: boolean;

  /** Whether it is only for the record: what the policy would have decided. */
  @Column('boolean')
  shadow: boolean;

  /** Whether the policy decided because nobody had, in time. */
  @Column('boolean', { name: 'at_deadline' })
  atDeadline: boolean;

  /** How many people had to agree. */
  @Column('smallint')
  approvals: number;

  /** The job's model, rule and policy, when it was decided. */
  @Column('text', { nullable: true })
  model: string | null;

  @Column('text', { nullable: true })
  rule: string | null;

  @Column('text', { name: 'policy_hash', nullable: true })
  policyHash: string | null;

  /** With an edit: from the model's output to the released one, as JSON Patch (RFC 6902). */
  @Column('json', { nullable: true })
  patch: JsonText | null;

  /** With an edit: the same as a unified diff of the text. Null when it would be too long. */
  @Column('text', { name: 'text_diff', nullable: true })
  textDiff: string | null;

  /** With an edit: the share of the text that changed, from 0 to 1. */
  @Column('real', { name: 'edit_distance', nullable: true })
  editDistance: number | null;

  /** When the judged answer began to wait. */
  @Column('timestamptz', { name: 'waiting_since', nullable: true })
  waitingSince: Date | null;

  /** When whoever decided had claimed it. */
  @Column('timestamptz', { name: 'claimed_at', nullable: true })
  claimedAt: Date | null;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;
}
