import { useEffect, useSyncExternalStore, type ReactNode } from 'react';

/** How long a message stays, in milliseconds, unless it says otherwise. */
const USUAL_STAY = 6000;
/** Messages that are shown at most: the newest. */
const MOST = 4;

export interface Message {
  text: string;
  tone?: 'plain' | 'bad';
  /** Until when it stays, in milliseconds since 1970. */
  until?: number;
  action?: ReactNode;
}

let messages: (Message & { id: number; until: number })[] = [];
let lastId = 0;
const watchers = new Set<() => void>();

function set(next: typeof messages): void {
  messages = next;
  for (const watch of watchers) watch();
}

/** Tells something in passing. Returns what takes it back. */
export function tell(message: Message): () => void {
  lastId += 1;
  const id = lastId;
  set([...messages, { until: Date.now() + USUAL_STAY, ...message, id }].slice(-MOST));
  return () => {
    set(messages.filter((each) => each.id !== id));
  };
}

/** What was told in passing, read out as well. */
export function Messages() {
  const shown = useSyncExternalStore(
    (watch) => {
      watchers.add(watch);
      return () => watchers.delete(watch);
    },
    () => messages,
  );
  useEffect(() => {
    const next = Math.min(...shown.map(({ until }) => until));
    if (next === Infinity) return undefined;
    const timer = setTimeout(
      () => set(messages.filter(({ until }) => until > Date.now())),
      Math.max(0, next - Date.now()) + 20,
    );
    return () => {
      clearTimeout(timer);
    };
  }, [shown]);
  return (
    <div
      aria-live="polite"
      className="pointer-events-none fixed inset-x-0 bottom-16 z-20 flex flex-col items-center gap-2"
    >
      {shown.map(({ id, text, tone, action }) => (
        <div
          key={id}
          className={`pointer-events-auto flex items-center gap-3 rounded-lg border bg-panel px-4 py-2 shadow-lg ${tone === 'bad' ? 'border-bad text-bad' : 'border-line'}`}
        >
          <span>{text}</span>
          {action}
        </div>
      ))}
    </div>
  );
}
