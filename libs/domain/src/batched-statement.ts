import { batched, type BatchOptions } from '@hitl/background';
import { isLocked, isTransient } from './database-errors';

/**
 * {@link batched} for statements: a database that is away, or gave up, fails all calls of a batch at once; a row that is
 * locked fails only the call that needs it.
 */
export function batchedStatement<I, O>(
  run: (items: I[]) => Promise<O[]>,
  options: BatchOptions<I> = {},
): (item: I) => Promise<O> {
  return batched(run, { failsAll: (error) => isTransient(error) && !isLocked(error), ...options });
}
