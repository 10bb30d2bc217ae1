import { setTimeout as delay } from 'node:timers/promises';

/** Work that is repeated. It resolves with how much it did, or with nothing where that does not matter. */
export type Work = () => Promise<number> | Promise<void>;

export interface Repetition {
  /** Ends the gap under way; called during a run, the next one follows at once. */
  wake(): void;
  /** Ends it; resolves when the run under way is over. */
  stop(): Promise<void>;
}

/**
 * Runs `work` again and again, never twice at once, with gaps of `ms` plus or minus a fifth, so that replicas do
 * not march in step. When `work` did something, the next run follows at once.
 * @param onError gets what `work` throws; the next run follows after a gap
 */
export function repeat(ms: number, work: Work, onError: (error: unknown) => void): Repetition {
  let stopped = false;
  let gap = new AbortController();
  const loop = async (): Promise<void> => {
    while (!stopped) {
      gap = new AbortController();
      let done: number | void = 0;
      try {
        done = await work();
      } catch (error) {
        onError(error);
      }
      if (!done) {
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
