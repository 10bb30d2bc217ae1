interface Log {
  log(message: string): void;
  warn(message: string): void;
}

/**
 * Tells once that a broker is away, and once that it is back, however many connections of this process notice it and
 * however often they try.
 */
export class Outage {
  private readonly away = new Set<object>();
  private isTold = false;
  /** What was said last of each of several brokers. */
  private readonly reasons = new Map<string, string>();

  constructor(private readonly logger: Log) {}

  /** Somebody else has told it already. */
  noteTold(): void {
    this.isTold = true;
  }

  /**
   * A connection has broken, or could not be made.
   * @param broker which of several it was to be made to; each new reason of each is told
   */
  lost(connection: object, error: Error, broker?: string): void {
    this.away.add(connection);
    const reason = reasonOf(error);
    if (broker !== undefined) {
      if (this.reasons.get(broker) !== reason) {
        this.logger.warn(`the broker ${broker} cannot be reached (${reason}); trying again`);
      }
      this.reasons.set(broker, reason);
    } else if (!this.isTold) {
      this.logger.warn(`the broker is away (${reason}); trying again until it is back`);
    }
    this.isTold = true;
  }

  /** A connection is there. @param broker to which of several */
  found(connection: object, broker?: string): void {
    this.away.delete(connection);
    if (!this.isTold || this.away.size > 0) return;
    this.isTold = false;
    this.reasons.clear();
    this.logger.log(broker === undefined ? 'the broker is back' : `connected to the broker ${broker}`);
  }

  /** A connection is closed for good: nobody waits for it. */
  forget(connection: object): void {
    this.away.delete(connection);
    if (this.away.size === 0) this.isTold = false;
  }
}

/** What went wrong in one line. A host with several addresses has one error for each of them. */
export function reasonOf(error: unknown): string {
  const fault = error instanceof AggregateError ? (error.errors as unknown[])[0] : error;
  const text = fault instanceof Error ? fault.message : String(fault);
  return text.replaceAll(/\s+/g, ' ').trim();
}
