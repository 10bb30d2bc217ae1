import { useSyncExternalStore } from 'react';

/** A value that lives outside React. */
export interface Store<T> {
  readonly get: () => T;
  readonly set: (next: T) => void;
  /** Calls `watch` after each change. @returns ends that */
  readonly subscribe: (watch: () => void) => () => void;
}

/** @param whileWatched begins what keeps the value up to date, when the first one watches; it returns what ends that */
export function createStore<T>(value: T, whileWatched?: (set: (next: T) => void) => () => void): Store<T> {
  const watchers = new Set<() => void>();
  let end: (() => void) | undefined;
  const set = (next: T): void => {
    if (Object.is(next, value)) return;
    value = next;
    for (const watch of watchers) watch();
  };
  return {
    get: () => value,
    set,
    subscribe: (watch) => {
      watchers.add(watch);
      end ??= whileWatched?.(set);
      return () => {
        watchers.delete(watch);
        if (watchers.size > 0) return;
        end?.();
        end = undefined;
      };
    },
  };
}

/** The value of a store; the component renders again when it changes. */
export function useStore<T>({ subscribe, get }: Store<T>): T {
  return useSyncExternalStore(subscribe, get);
}
