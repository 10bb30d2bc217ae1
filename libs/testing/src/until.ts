import { setTimeout as delay } from 'node:timers/promises';

/**
 * Waits until `look` answers something truthy, and returns it. Fails after `deadlineMs`, saying what it waited for.
 * Errors of `look` count as "not yet".
 */
export async function until<T>(
  what: string,
  look: () => Promise<T> | T,
  deadlineMs = 60_000,
): Promise<NonNullable<T>> {
  const deadline = Date.now() + deadlineMs;
  let last: unknown;
  for (let gap = 20; ; gap = Math.min(gap + 2, 100)) {
    try {
      const value = await look();
      if (value) return value;
      last = value;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline)
      throw new Error(`waited ${deadlineMs} ms for: ${what}; last seen: ${String(last)}`);
    await delay(gap);
  }
}
