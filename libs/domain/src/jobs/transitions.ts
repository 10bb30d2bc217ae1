/**
 * Where a job can be, and what a crash of everything does there:
 * - `bot` — waits for the model. A worker's lease runs out and the reconciler rings again.
 * - `human` — waits for a person. Nothing is held anywhere but in the row, so nothing can be lost.
 * - `success`, `fail` — final, but for a job that the model failed: a person may ask it again.
 */
export const JOB_STATUSES = ['bot', 'human', 'success', 'fail'] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];

/** What can happen to a job. Only those in {@link TRANSITIONS} change its status. */
export const JOB_EVENT_TYPES = [
  'submitted',
  'attempt_failed',
  'inferred',
  'failed',
  /** The model gave no other answer than the one that was sent back: that one waits again. */
  'regeneration_failed',
  /** The policy has written who must review, how many, by when. */
  'planned',
  'claimed',
  'released',
  'edited',
  /** An earlier answer was taken instead of the current one, or of the one that the model has not given yet. */
  'restored',
  'noted',
  /** One of several people has judged. */
  'voted',
  /** A decision was made that can still be undone. */
  'held',
  'undone',
  'reminded',
  'escalated',
  'decided',
  'regenerated',
  /** A person has asked the model again for a job that it had failed. */
  'retried',
  'expired',
  'cancelled',
  /** What the job was about is gone. */
  'erased',
] as const;
export type JobEventType = (typeof JOB_EVENT_TYPES)[number];

/**
 * Every status change there is, and the events that make it. `human → bot` is a reviewer asking the model again;
 * `bot → human` is its answer, or the earlier one. Only `inferred`, and a failure of that kind, come from the model.
 */
export const TRANSITIONS = {
  bot: { human: ['inferred', 'regeneration_failed', 'restored'], fail: ['failed', 'cancelled'] },
  human: { success: ['decided'], fail: ['decided', 'expired', 'cancelled'], bot: ['regenerated'] },
  success: {},
  /** Only with the reason `inference_failed`. */
  fail: { bot: ['retried'] },
} as const satisfies Record<JobStatus, Partial<Record<JobStatus, readonly JobEventType[]>>>;

/** A reviewer's judgement of one exact revision. `edit` approves with changes. */
export const VERDICTS = ['approve', 'edit', 'reject', 'regenerate'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** What became of a wait: a verdict, or `expired` where nobody had given one in time. */
export const DECISION_OUTCOMES = [...VERDICTS, 'expired'] as const;
export type DecisionOutcome = (typeof DECISION_OUTCOMES)[number];

/** Where each verdict takes a job that waits in `human`. */
export const STATUS_AFTER = {
  approve: 'success',
  edit: 'success',
  reject: 'fail',
  regenerate: 'bot',
} as const satisfies Record<Verdict, keyof (typeof TRANSITIONS)['human']>;

/** Why a job ended in `fail`. */
export const FAILURE_REASONS = ['inference_failed', 'rejected', 'expired', 'cancelled'] as const;
export type FailureReason = (typeof FAILURE_REASONS)[number];
