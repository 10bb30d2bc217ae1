import { createContext, Script } from 'node:vm';

/** Calls what it finds in its context: only a script of node:vm can be stopped from outside, with all that it calls. */
const SCRIPT = new Script('work()');
const CONTEXT = createContext(Object.create(null) as { work?: () => void });

/** How often work was stopped. It may have left half-changed things behind: who keeps such things makes them anew. */
let stops = 0;
export const stopsSoFar = (): number => stops;

/** The work took longer than it may. */
export class StoppedError extends Error {
  override name = 'StoppedError';
}

/**
 * Runs synchronous work that nobody vouches for. Loops, regular expressions and library calls in it are stopped, too.
 * @throws StoppedError after `ms`
 */
export function withinTime<T>(ms: number, work: () => T): T {
  let result: { value: T } | undefined;
  CONTEXT.work = () => {
    result = { value: work() };
  };
  try {
    SCRIPT.runInContext(CONTEXT, { timeout: ms });
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
    stops += 1;
    throw new StoppedError(`It took longer than ${ms} ms.`);
  } finally {
    CONTEXT.work = undefined;
  }
  // The script has ended, so the work has.
  return (result as unknown as { value: T }).value;
}
