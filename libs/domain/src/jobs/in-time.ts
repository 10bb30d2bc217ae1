/** Of a command that somebody waits for. */
export interface Timed {
  /** When its sender gives up, on the database's clock (ISO 8601): from then on it does nothing. Absent: never. */
  deadline?: string;
}

/**
 * SQL that is true until `deadline`, an expression of type timestamptz; null is no deadline. Asks the clock when it is
 * evaluated and not when the statement began, which may have waited for a lock.
 */
export function inTime(deadline: string): string {
  return `coalesce(clock_timestamp() < ${deadline}, true)`;
}
