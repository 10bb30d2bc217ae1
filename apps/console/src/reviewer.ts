import { useSyncExternalStore } from 'react';

/** Who reviews: the one place that knows. The server says it, asked with the name that this browser keeps. */
const KEY = 'hitl.reviewer';
/** Who acts when nobody has said. */
const LOCAL = 'local';

export interface Reviewer {
  name: string;
  /** asking: the server has not said yet. unnamed: one has still to choose. named: the name is what decisions carry. */
  state: 'asking' | 'unnamed' | 'named';
  /** Whether the server takes another name. */
  mayChoose: boolean;
}

const watchers = new Set<() => void>();
let current: Reviewer = { name: keptName() ?? LOCAL, state: 'asking', mayChoose: false };

/** The reviewer's name. */
export function reviewer(): string {
  return current.name;
}

export function useReviewer(): Reviewer {
  return useSyncExternalStore(
    (watch) => {
      watchers.add(watch);
      return () => watchers.delete(watch);
    },
    () => current,
  );
}

export function setReviewer(change: Partial<Reviewer>): void {
  current = { ...current, ...change };
  for (const watch of watchers) watch();
}

/** The name that was chosen in this browser; null: none was. */
export function keptName(): string | null {
  return localStorage.getItem(KEY);
}

export function keepName(name: string): void {
  localStorage.setItem(KEY, name);
}

/** Whether it can be a name: letters, digits, spaces and `._@+-`. */
export function isName(name: string): boolean {
  return /^[\w.@+-][\w.@+ -]{0,99}$/.test(name);
}
