import { write, writeSync } from 'node:fs';

/** Bytes of lines that may wait to be written; what comes beyond is dropped. */
const MAX_WAITING_BYTES = 4_194_304;
/** How long the end of the process waits for what is still to be written, in milliseconds. */
const MAX_FLUSH_MS = 1000;
/** How long lines may gather, in milliseconds: a write is a thread's work, and a busy process logs in every turn. */
const GATHER_MS = 10;
/** Milliseconds until a descriptor that takes nothing for now is tried again. */
const RETRY_MS = 20;

/** A file descriptor as the writer uses it. */
export interface Descriptor {
  write(bytes: Buffer, done: (error: NodeJS.ErrnoException | null, written: number) => void): void;
  writeSync(bytes: Buffer): number;
}

/** Standard output. */
const STDOUT: Descriptor = {
  write: (bytes, done) => write(1, bytes, done),
  writeSync: (bytes) => writeSync(1, bytes),
};

const soon = (write: () => void): void => void setTimeout(write, GATHER_MS).unref();

/**
 * Writes lines to a place that may be full, slow or gone: it neither throws nor makes anybody wait. Lines that cannot be
 * written are dropped and counted.
 */
export class LogWriter {
  private lines: string[] = [];
  private waitingBytes = 0;
  /** The write under way: when it began. */
  private since: number | null = null;
  private isDue = false;
  private idle: (() => void)[] = [];

  /**
   * @param drop told how many lines are lost
   * @param schedule writes what has gathered a little later
   */
  constructor(
    private readonly drop: (lines: number) => void,
    private readonly descriptor: Descriptor = STDOUT,
    private readonly schedule: (write: () => void) => void = soon,
  ) {}

  /** @param line with its end */
  write(line: string): void {
    if (this.waitingBytes + line.length > MAX_WAITING_BYTES) {
      this.drop(1);
      return;
    }
    this.lines.push(line);
    this.waitingBytes += line.length;
    if (this.isDue || this.since !== null) return;
    // Not at once: a process that logs why it ends, and ends, finds the line here and writes it itself.
    this.isDue = true;
    this.schedule(() => {
      this.isDue = false;
      this.writeWaiting();
    });
  }

  /** Resolves once all lines are written or dropped, or after a second. */
  async flush(): Promise<void> {
    if (this.since === null && this.lines.length === 0) return;
    this.writeWaiting();
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([
      new Promise<void>((resolve) => this.idle.push(resolve)),
      new Promise<void>((resolve) => (timer = setTimeout(resolve, MAX_FLUSH_MS))),
    ]);
    clearTimeout(timer);
  }

  /**
   * For the very end of the process: tries once to write what waits. A write that has been under way for long will not end:
   * another one would not, either.
   * @returns whether such a write is under way, which would keep the process from ending
   */
  flushAtExit(): boolean {
    const isStuck = this.since !== null && performance.now() - this.since > MAX_FLUSH_MS / 2;
    const bytes = this.takeWaiting();
    if (bytes.length === 0 || isStuck) return isStuck;
    try {
      this.descriptor.writeSync(bytes);
    } catch {
      // There is nobody left to count it.
    }
    return false;
  }

  private takeWaiting(): Buffer {
    const bytes = Buffer.from(this.lines.join(''));
    this.lines = [];
    this.waitingBytes = 0;
    return bytes;
  }

  private writeWaiting(): void {
    if (this.since !== null) return;
    if (this.lines.length === 0) {
      for (const resolve of this.idle.splice(0)) resolve();
      return;
    }
    this.writeBytes(this.takeWaiting());
  }

  private writeBytes(bytes: Buffer): void {
    this.since = performance.now();
    this.descriptor.write(bytes, (error, written) => {
      if (error?.code === 'EAGAIN') {
        setTimeout(() => this.writeBytes(bytes), RETRY_MS);
        return;
      }
      if (error) this.drop(linesIn(bytes));
      else if (written < bytes.length) {
        this.writeBytes(bytes.subarray(written));
        return;
      }
      this.since = null;
      this.writeWaiting();
    });
  }
}

function linesIn(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) lines += 1;
  return lines;
}
