/** Milliseconds after which a batch under way no longer keeps the next one from running, and how many such there may be. */
const SLOW_MS = 250;
const MAX_SLOW = 4;
/** Batches under way at once while they hold few items together, and how many are few: a small crowd need not queue. */
const MAX_SIDE_BY_SIDE = 4;
const FEW_ITEMS = 8;
/** Items of a failed batch that are tried alone at once: one that waits for somebody else's lock keeps few others. */
const ALONE_AT_ONCE = 4;

export interface BatchOptions<I> {
  keyOf?: (item: I) => string;
  most?: number;
  parallel?: number;
  failsAll?: (error: unknown) => boolean;
}

/**
 * Turns concurrent single calls into calls for many: what arrives while a batch runs makes the next batch, and a
 * lone call runs at once, so there is no wait without load. A batch that takes long, as it waits for a lock, does not keep
 * the next ones.
 *
 * @param run answers item by item, in order. When it rejects for a batch, each item is tried alone, so that one
 *   bad item does not fail its neighbours, unless the error `failsAll`.
 * @param keyOf two items with the same key never share a batch; by default all may
 * @param most items in a batch (default 100)
 * @param failsAll whether an error is no single item's, so that none is tried alone (by default none is)
 * @param parallel batches under way at once (default 2: one commits while the next one is parsed; 4 while they hold fewer
 *   than 8 items together)
 */
export function batched<I, O>(
  run: (items: I[]) => Promise<O[]>,
  { keyOf, most = 100, parallel, failsAll = () => false }: BatchOptions<I> = {},
): (item: I) => Promise<O> {
  interface Waiting {
    item: I;
    resolve: (value: O) => void;
    reject: (reason: unknown) => void;
  }
  let waiting: Waiting[] = [];
  let running = 0;
  /** Items of the batches that `running` counts. */
  let underWay = 0;
  let slow = 0;
  let scheduled = false;

  const take = (): Waiting[] => {
    if (!keyOf) return waiting.splice(0, most);
    const keys = new Set<string>();
    const batch: Waiting[] = [];
    const later: Waiting[] = [];
    for (const call of waiting) {
      const key = keyOf(call.item);
      if (batch.length < most && !keys.has(key)) {
        keys.add(key);
        batch.push(call);
      } else {
        later.push(call);
      }
    }
    waiting = later;
    return batch;
  };

  const settle = async (batch: Waiting[]): Promise<void> => {
    try {
      const results = await run(batch.map((call) => call.item));
      batch.forEach((call, index) => {
        call.resolve(results[index] as O);
      });
    } catch (error) {
      if (batch.length === 1 || failsAll(error)) {
        for (const call of batch) call.reject(error);
      } else {
        const alone = [...batch];
        const lane = async (): Promise<void> => {
          for (let call = alone.shift(); call; call = alone.shift()) await settle([call]);
        };
        await Promise.all(Array.from({ length: ALONE_AT_ONCE }, lane));
      }
    }
  };

  const mayStart = (): boolean => running < (parallel ?? (underWay < FEW_ITEMS ? MAX_SIDE_BY_SIDE : 2));

  const flush = (): void => {
    scheduled = false;
    while (mayStart() && waiting.length > 0) start(take());
  };

  const start = (batch: Waiting[]): void => {
    running += 1;
    underWay += batch.length;
    let isSlow = false;
    const timer = setTimeout(() => {
      if (slow >= MAX_SLOW) return;
      isSlow = true;
      slow += 1;
      running -= 1;
      underWay -= batch.length;
      flush();
    }, SLOW_MS);
    void settle(batch).finally(() => {
      clearTimeout(timer);
      if (isSlow) {
        slow -= 1;
      } else {
        running -= 1;
        underWay -= batch.length;
      }
      flush();
    });
  };

  return (item) =>
    new Promise<O>((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (scheduled || !mayStart()) return;
      scheduled = true;
      // After the sockets of this turn have been read: calls that arrived together go together.
      setImmediate(flush);
    });
}
