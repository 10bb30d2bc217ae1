import { batched, type BatchOptions } from '@hitl/background';
import { isLocked, isTransient } from './database-errors';
import { Turns } from './turns';

/** Characters or bytes of JSON from which on an item is large: to compress and write it takes PostgreSQL noticeably long. */
export const LARGE_SIZE = 262_144;
/** Statements for one large item each that run side by side. */
const MAX_LARGE = 2;

export interface StatementOptions<I> extends BatchOptions<I> {
  /** Whether an item has so much to store that no other should wait for it: it gets a statement of its own. */
  isLarge?: (item: I) => boolean;
}

/**
 * {@link batched} for statements: a database that is away, or gave up, fails all calls of a batch at once; a row that is
 * locked fails only the call that needs it.
 */
export function batchedStatement<I, O>(
  run: (items: I[]) => Promise<O[]>,
  { isLarge = () => false, ...options }: StatementOptions<I> = {},
): (item: I) => Promise<O> {
  const together = batched(run, { failsAll: (error) => isTransient(error) && !isLocked(error), ...options });
  const alone = new Turns(MAX_LARGE, 'Too many large jobs are being stored.');
  const runAlone = async (item: I): Promise<O> => (await run([item]))[0] as O;
  return (item) => (isLarge(item) ? alone.take(() => runAlone(item), Infinity) : together(item));
}
