import { createStore, useStore } from './store';

const now = createStore(Date.now(), (set) => {
  const timer = setInterval(() => {
    set(Date.now());
  }, 1000);
  return () => {
    clearInterval(timer);
  };
});

/** The time, once a second, from one timer for all. */
export function useNow(): number {
  return useStore(now);
}
