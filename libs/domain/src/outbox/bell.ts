/** An outbox row that its writer should publish now. */
export interface Bell {
  /** The row's id. */
  id: string;
  pattern: BellPattern;
  jobId: string;
}

/** What an outbox row may ring for. The message classes carry the same names. */
export const BELL_PATTERNS = ['inference.requested', 'review.requested'] as const;
export type BellPattern = (typeof BELL_PATTERNS)[number];

/** Seconds which the writer of an outbox row has to publish it before the pollers take it for an orphan. */
export const BELL_GRACE_SECONDS = 5;
