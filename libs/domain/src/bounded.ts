import { createContext, Script } from 'node:vm';

const context = createContext(Object.create(null) as Record<string, unknown>);
const call = new Script('work()');

/** The work was stopped because it took too long. */
export class TimeLimitError extends Error {
  override name = 'TimeLimitError';
}

/**
 * Runs work that does not wait for anything, for `ms` at most: whatever it calls is stopped then, loops and regular
 * expressions included.
 * @throws TimeLimitError when it took longer
 */
export function runBounded<T>(ms: number, work: () => T): T {
  context.work = work;
  try {
    return call.runInContext(context, { timeout: ms }) as T;
  } catch (error) {
    if ((error as { code?: unknown } | null)?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') {
      throw new TimeLimitError(`stopped after ${ms} ms`);
    }
    throw error;
  } finally {
    context.work = undefined;
  }
}
