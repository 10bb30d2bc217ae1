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

  constructor(private readonly logger: Log) {}

  /** Somebody else has told it already. */
  noteTold(): void {
    this.isTold = true;
  }

  /** A connection has broken, or could not be made. */
  lost(connection: object, error: Error): void {
    this.away.add(connection);
    if (this.isTold) return;
    this.isTold = true;
    this.logger.warn(`the broker is away (${reasonOf(error)}); trying again until it is back`);
  }

  /** A connection is there. */
  found(connection: object): void {
    this.away.delete(connection);
    if (!this.isTold || this.away.size > 0) return;
    this.isTold = false;
    this.logger.log('the broker is back');
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
