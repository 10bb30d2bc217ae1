import type { JobStatus, Verdict } from '@hitl/domain';
import { metrics } from '@hitl/observability';

/**
 * Counts a verdict that was written: as a vote where the job waits for others, else as a decision that took effect.
 * @param status the job's, after the verdict
 */
export function countDecided(verdict: Verdict, status: JobStatus): void {
  const counter = status === 'human' ? metrics.votes : metrics.decisions;
  counter.inc({ verdict });
}
