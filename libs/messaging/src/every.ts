import { setTimeout as delay } from 'node:timers/promises';
import { describeTrouble, isTransient } from '@hitl/domain';

export interface Repetition {
  /** Ends the gap under way; asked during a run, the next one follows at once. */
  wake(): void;
  /** Ends it; resolves when the run under way is over. */
  stop(): Promise<void>;
}

/**
 * Runs `work` again and again, never twice at once, with gaps of `ms` plus or minus a fifth, so that replicas do
 * not march in step. When `work` answers that it did something, the next run follows at once. Errors are logged.
 */
export function every(
  ms: number,
  work: () => Promise<number>,
  logger: { warn(message: string): void; error(error: unknown): void },
): Repetition {
  let stopped = false;
  let gap = new AbortController();
  const loop = async (): Promise<void> => {
    while (!stopped) {
      gap = new AbortController();
      let done = 0;
      try {
        done = await work();
      } catch (error) {
        if (isTransient(error)) logger.warn(`${describeTrouble(error)} ${(error as Error).message}`);
        else logger.error(error);
      }
      if (done === 0) {
        await delay(ms * (0.8 + 0.4 * Math.random()), undefined, { signal: gap.signal }).catch(
          () => undefined,
        );
      }
    }
  };
  const running = loop();
  return {
    wake() {
      gap.abort();
    },
    stop() {
      stopped = true;
      gap.abort();
      return running;
    },
  };
}
