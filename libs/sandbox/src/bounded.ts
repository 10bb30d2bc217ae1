import { createContext, Script } from 'node:vm';

/** Calls what it finds in its context: only a script of node:vm can be stopped from outside, with all that it calls. */
const CALL = new Script('work()');
const CONTEXT = createContext(Object.create(null) as object) as { work?: () => void };

/** How often work was stopped. It may have left half-changed things behind: who keeps such things makes them anew. */
let stops = 0;
export const stopsSoFar = (): number => stops;

/** CPU time of this process in microseconds. */
function cpuUsage(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** The work was stopped because it took too long. */
export class TimeLimitError extends Error {
  override name = 'TimeLimitError';
}

/**
 * Runs synchronous work for `ms` at most: whatever it calls is stopped then, loops and regular expressions included.
 * @param mostRuns how often it may begin anew, where it was stopped while the machine did something else
 * @throws TimeLimitError when it took longer
 */
export function runBounded<T>(ms: number, work: () => T, mostRuns = 1): T {
  for (let run = 1; ; run += 1) {
    const before = cpuUsage();
    const result = runOnce(ms, work);
    if (result) return result.value;
    stops += 1;
    const waited = (cpuUsage() - before) / 1000 < ms / 2;
    if (!waited || run >= mostRuns) throw new TimeLimitError(`It took longer than ${ms} ms.`);
  }
}

/** Undefined when the work was stopped. */
function runOnce<T>(ms: number, work: () => T): { value: T } | undefined {
  const outer = CONTEXT.work;
  let result: { value: T } | undefined;
  CONTEXT.work = () => {
    result = { value: work() };
  };
  try {
    CALL.runInContext(CONTEXT, { timeout: ms });
  } catch (error) {
    if ((error as { code?: unknown } | null)?.code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
    return undefined;
  } finally {
    CONTEXT.work = outer;
  }
  return result;
}
