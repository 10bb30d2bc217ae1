/** How old what is known may be before it is read again, and before it is waited for, in milliseconds. */
const FRESH_MS = 1000;
const STALE_MS = 3000;
/** Entries that are kept; the one that was read longest ago goes first. */
const MAX_KEPT = 10_000;

interface Known<Value> {
  value: Value;
  readAt: number;
}

/** Remembers what is looked up by an id, for so short a time that every gateway notices its end within seconds. */
export class Fresh<Value> {
  private readonly known = new Map<string, Known<Value>>();
  private readonly reading = new Map<string, Promise<Value | null>>();

  /** @param read looks an id up; null: there is nothing. That is not remembered. */
  constructor(private readonly read: (id: string) => Promise<Value | null>) {}

  /** What is known of an id, or a promise of it. */
  get(id: string): Value | null | Promise<Value | null> {
    const known = this.known.get(id);
    const age = known ? performance.now() - known.readAt : Infinity;
    if (!known || age > STALE_MS) return this.refresh(id);
    // Nobody waits for what is read on the side; a call that asks once it is stale gets the error.
    if (age > FRESH_MS) this.refresh(id).catch(() => undefined);
    return known.value;
  }

  forget(id: string): void {
    this.known.delete(id);
  }

  private refresh(id: string): Promise<Value | null> {
    const reading = this.reading.get(id) ?? this.look(id).finally(() => this.reading.delete(id));
    this.reading.set(id, reading);
    return reading;
  }

  private async look(id: string): Promise<Value | null> {
    const readAt = performance.now();
    const value = await this.read(id);
    this.known.delete(id);
    if (value !== null) this.known.set(id, { value, readAt });
    const [oldest] = this.known.keys();
    if (this.known.size > MAX_KEPT && oldest !== undefined) this.known.delete(oldest);
    return value;
  }
}
