import { createStore, useStore } from '../store/store';

const KEY = 'hitl.theme';
const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const chosen = createStore<Theme>(THEMES.find((name) => name === localStorage.getItem(KEY)) ?? 'system');

/** Puts the chosen theme on the page; the system's own needs nothing. */
export function applyTheme(): void {
  document.documentElement.dataset.theme = chosen.get();
}

export function setTheme(next: Theme): void {
  localStorage.setItem(KEY, next);
  chosen.set(next);
  applyTheme();
}

export function useTheme(): Theme {
  return useStore(chosen);
}
