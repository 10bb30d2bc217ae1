/** What the processes of a sandbox may use. */
export interface SandboxLimits {
  /** Shown in errors and by debuggers. */
  name: string;
  /** Processes at most; each begins when there is work for it. */
  processes: number;
  /** Heap of one process, in MB. */
  memoryMb: number;
  /** How long one task may run; then its process is ended. Up to three times as long where the processors gave it less than half of that. */
  timeoutMs: number;
  /** Tasks that may wait for a process. */
  maxWaiting: number;
  /** How long one may wait. */
  maxWaitMs: number;
  /** How long a process may have nothing to do; then it is ended. */
  maxIdleMs: number;
}

/** A task brought nothing. `busy`: it was never begun, or the machine had no time for it; `time`, `memory`: it used up what it may; `failed`: it threw. */
export class SandboxError extends Error {
  override name = 'SandboxError';

  constructor(
    readonly reason: 'busy' | 'time' | 'memory' | 'failed',
    message: string,
  ) {
    super(message);
  }
}
