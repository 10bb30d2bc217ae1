import { Column, Entity, PrimaryColumn, VirtualColumn } from 'typeorm';
import type { OnDeadline } from '../desk/plan';
import type { FieldFault } from '../errors';
import { heldClientOf, type HeldClient } from '../holds/hold-store';
import type { Json, JsonText } from '../json';
import type { FailureReason, JobStatus } from './transitions';

/** Tokens, and money where prices are known. */
export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  /** In the currency of the prices; absent where no price is known. */
  cost?: number;
}

/** What a provider said of a call that failed, as safe to show as the job's failure detail. */
export interface ModelFailure {
  /** The HTTP status; the one in the body where that is the failure's. */
  status: number;
  code: string | null;
  type: string | null;
  param: string | null;
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
  @Column('json')
  payload: JsonText;

  /** The current output: null in `bot`, unreviewed in `human`, approved in `success`. */
  @Column('json', { nullable: true })
  response: JsonText | null;

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

  /** The revision that each of the `feedback` is about; 0: there was no answer yet. */
  @Column('int', { name: 'feedback_on', array: true })
  feedbackOn: number[];

  /** What a job in `bot` that was sent back returns to when the model gives no other answer; read only where it is selected. */
  @Column('jsonb', { nullable: true, select: false })
  fallback?: Json;

  /** What became of the newest wish for another answer, where the model gave none. */
  @Column('jsonb', { name: 'regeneration_failed', nullable: true })
  regenerationFailed: { detail: string; at: string; by: string; feedback: string | null } | null;

  /** What the submitter sent, once a human has changed the payload; null: `payload` is that. */
  @Column('json', { name: 'original_payload', nullable: true })
  originalPayload: JsonText | null;

  /** How the current response breaks what the request asks for, and what could not be checked; null: nothing is known. */
  @Column('jsonb', { name: 'response_violations', nullable: true })
  responseViolations: FieldFault[] | null;

  @Column('text', { name: 'failure_reason', nullable: true })
  failureReason: FailureReason | null;

  @Column('text', { name: 'failure_detail', nullable: true })
  failureDetail: string | null;

  /** For `inference_failed`: what the provider said, if it said anything. */
  @Column('jsonb', { name: 'model_failure', nullable: true })
  modelFailure: ModelFailure | null;

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

  /** Who submitted it. */
  @Column('text')
  submitter: string;

  /** The model that the payload asks for; null where it names none. */
  @Column('text', { nullable: true })
  model: string | null;

  /** The parameters of a request that its door translates into the payload, as they came, without its input; else null. */
  @Column('json', { name: 'asked_for', nullable: true })
  askedFor: JsonText | null;

  /** The headers of a request of Anthropic's Messages API that its provider gets; null: it came by another door. */
  @Column('jsonb', { name: 'anthropic_headers', nullable: true })
  anthropicHeaders: Record<string, string> | null;

  /** What was asked, in one line of 200 characters at most; read only where it is selected. */
  @Column('text', { nullable: true, select: false })
  asked?: string | null;

  /** JSON Schema that an edited response must satisfy; null: any. */
  @Column('json', { name: 'response_schema', nullable: true })
  responseSchema: JsonText | null;

  /** The model's own output, once a human has changed it; null: `response` is the model's own. */
  @Column('json', { name: 'model_response', nullable: true })
  modelResponse: JsonText | null;

  /** How often reviewers have sent the job back to the model. */
  @Column('smallint')
  regenerations: number;

  /** Since when the current answer waits in `human`. */
  @Column('timestamptz', { name: 'waiting_since', nullable: true })
  waitingSince: Date | null;

  /** When the policy wrote its plan for the current answer: the columns from here to `onDeadline`. */
  @Column('timestamptz', { name: 'planned_at', nullable: true })
  plannedAt: Date | null;

  /** The policy's rule that made the plan, or decided; null: its defaults, or no policy. */
  @Column('text', { nullable: true })
  rule: string | null;

  /** SHA-256 of the policy that made the plan, in hex. */
  @Column('text', { name: 'policy_hash', nullable: true })
  policyHash: string | null;

  /** How many different people must agree. */
  @Column('smallint')
  approvals: number;

  /** Whether the submitter may not be among them. */
  @Column('boolean', { name: 'four_eyes' })
  fourEyes: boolean;

  /** The group whose members may review it; empty: everybody. */
  @Column('text', { name: 'review_group' })
  group: string;

  /** Who has approved the current revision so far. */
  @Column('text', { name: 'approved_by', array: true })
  approvedBy: string[];

  /** Who has rejected the current revision so far. */
  @Column('text', { name: 'rejected_by', array: true })
  rejectedBy: string[];

  /** When reviewers are reminded; null: never, or done. */
  @Column('timestamptz', { name: 'remind_at', nullable: true })
  remindAt: Date | null;

  /** When the job goes to the group `escalateTo`; null: never, or done. */
  @Column('timestamptz', { name: 'escalate_at', nullable: true })
  escalateAt: Date | null;

  /** Where a job goes that reviewers disagree about, or that waits too long; null: it stays where it is. */
  @Column('text', { name: 'escalate_to', nullable: true })
  escalateTo: string | null;

  /** When reviewers disagreed, or the ladder escalated. */
  @Column('timestamptz', { name: 'escalated_at', nullable: true })
  escalatedAt: Date | null;

  /** When the wait ends, as `onDeadline` says. */
  @Column('timestamptz', { name: 'deadline_at', nullable: true })
  deadlineAt: Date | null;

  @Column('text', { name: 'on_deadline', nullable: true })
  onDeadline: OnDeadline | null;

  /** How long somebody at work may put the deadline and the escalation off. */
  @Column('int', { name: 'deadline_grace_seconds' })
  deadlineGraceSeconds: number;

  /** Until when somebody who has saved a draft, or undone a decision, is taken to be at work. */
  @Column('timestamptz', { name: 'at_work_until', nullable: true })
  atWorkUntil: Date | null;

  /** The reviewer who has the job, until `claimedUntil`; an older claim counts no more. */
  @Column('text', { name: 'claimed_by', nullable: true })
  claimedBy: string | null;

  @Column('timestamptz', { name: 'claimed_at', nullable: true })
  claimedAt: Date | null;

  @Column('timestamptz', { name: 'claimed_until', nullable: true })
  claimedUntil: Date | null;

  /** The id of the command that claimed it: repeating the command claims nothing more. */
  @Column('uuid', { name: 'claim_id', nullable: true })
  claimId: string | null;

  /** A decision that takes effect at `heldUntil` unless it is undone; null: none. */
  @Column('jsonb', { name: 'held_decision', nullable: true })
  heldDecision: Json;

  @Column('timestamptz', { name: 'held_until', nullable: true })
  heldUntil: Date | null;

  /** Whether the client that is held for the answer is still there; null: none is held. */
  @VirtualColumn({ type: 'text', query: heldClientOf })
  client: HeldClient | null;

  /** When the desk must look at it next: the earliest of its due times. */
  @Column('timestamptz', { name: 'next_step_at', nullable: true })
  nextStepAt: Date | null;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;

  @Column('timestamptz', { name: 'updated_at' })
  updatedAt: Date;

  @Column('timestamptz', { name: 'finished_at', nullable: true })
  finishedAt: Date | null;

  /** When what the job was about was erased: its payload is JSON's null since, and it has no response; null: it was not. */
  @Column('timestamptz', { name: 'erased_at', nullable: true })
  erasedAt: Date | null;
}

/** What a list tells of a job: not how it came to its answer. */
export const LISTED = [
  'id',
  'status',
  'payload',
  'response',
  'failureReason',
  'failureDetail',
  'revision',
  'edited',
  'usage',
  'callbackUrl',
  'attempts',
  'priority',
  'metadata',
  'createdAt',
  'updatedAt',
  'finishedAt',
  'erasedAt',
] as const satisfies (keyof Job)[];

export type ListedJob = Pick<Job, (typeof LISTED)[number]>;
