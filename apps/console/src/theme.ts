import { useSyncExternalStore } from 'react';

const KEY = 'hitl.theme';
const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const watchers = new Set<() => void>();

function theme(): Theme {
  return THEMES.find((name) => name === localStorage.getItem(KEY)) ?? 'system';
}

/** Puts the chosen theme on the page; the system's own needs nothing. */
export function applyTheme(): void {
  document.documentElement.dataset.theme = theme();
}

export function setTheme(next: Theme): void {
  localStorage.setItem(KEY, next);
  applyTheme();
  for (const watch of watchers) watch();
}

export function useTheme(): Theme {
  return useSyncExternalStore((watch) => {
    watchers.add(watch);
    return () => watchers.delete(watch);
  }, theme);
}
