import { useEffect, type ReactNode } from 'react';
import { createStore, useStore } from '../store/store';

/** How long a message stays, in milliseconds, unless it says otherwise. */
const DEFAULT_STAY = 6000;
/** Messages that are shown at most: the newest. */
const MAX_COUNT = 3;

export interface Message {
  text: string;
  tone?: 'plain' | 'bad';
  /** A message takes the place of an earlier one of its kind. */
  kind?: string;
  /** Until when it stays, in milliseconds since 1970. */
  until?: number;
  action?: ReactNode;
}

const messages = createStore<(Message & { id: number; until: number })[]>([]);
let lastId = 0;

/** Tells something in passing. Returns what takes it back. */
export function tell(message: Message): () => void {
  lastId += 1;
  const id = lastId;
  const others = messages.get().filter(({ kind }) => kind === undefined || kind !== message.kind);
  messages.set([...others, { until: Date.now() + DEFAULT_STAY, ...message, id }].slice(-MAX_COUNT));
  return () => {
    messages.set(messages.get().filter((each) => each.id !== id));
  };
}

/** What was told in passing, read out as well: in a place of its own above a page's bars, where it covers nothing and moves no button. */
export function Messages() {
  const shown = useStore(messages);
  useEffect(() => {
    const next = Math.min(...shown.map(({ until }) => until));
    if (next === Infinity) return undefined;
    const timer = setTimeout(
      () => messages.set(messages.get().filter(({ until }) => until > Date.now())),
      Math.max(0, next - Date.now()) + 20,
    );
    return () => {
      clearTimeout(timer);
    };
  }, [shown]);
  return (
    <div aria-live="polite" className="order-1 flex max-h-[30vh] shrink-0 flex-col overflow-y-auto">
      {shown.map(({ id, text, tone, action }) => (
        <div
          key={id}
          className={`flex shrink-0 flex-wrap items-center gap-x-3 gap-y-1 border-t bg-panel px-4 py-1 ${tone === 'bad' ? 'border-bad text-bad' : 'border-line'}`}
        >
          <span className="min-w-0 break-words" dir="auto">
            {text}
          </span>
          {action}
        </div>
      ))}
    </div>
  );
}
