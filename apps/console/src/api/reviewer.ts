import { createStore, useStore } from '../store/store';

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
  /** What the server lets one do; null: it has not said yet. */
  permissions: readonly string[] | null;
  /** Whether one has signed in, and can sign out. */
  hasSession: boolean;
  /** Whether anybody on the network can decide here. */
  isOpen: boolean;
}

const current = createStore<Reviewer>({
  name: keptName() ?? LOCAL,
  state: 'asking',
  mayChoose: false,
  permissions: null,
  hasSession: false,
  isOpen: false,
});

/** The reviewer's name. */
export function reviewer(): string {
  return current.get().name;
}

let letRequestsGo: () => void;
const asked = new Promise<void>((resolve) => {
  letRequestsGo = resolve;
});

/** The server has been asked who one is, whether it said so or not. */
export function noteAsked(): void {
  letRequestsGo();
}

/** The name that requests carry, once the server was asked; null: it takes none, and refuses whoever sends one. */
export async function nameToSend(): Promise<string | null> {
  await asked;
  const { mayChoose, name } = current.get();
  return mayChoose ? name : null;
}

export function useReviewer(): Reviewer {
  return useStore(current);
}

export function setReviewer(change: Partial<Reviewer>): void {
  current.set({ ...current.get(), ...change });
}

/** The name that was chosen in this browser; null: none was. */
export function keptName(): string | null {
  return toName(localStorage.getItem(KEY) ?? '');
}

export function keepName(name: string): void {
  localStorage.setItem(KEY, name);
}

/**
 * A name as the server keeps it: composed, without blanks around it and with single ones in it. Null when it can be
 * nobody's: the server refuses control characters, what nobody sees, and the names that the system acts under.
 */
export function toName(text: string): string | null {
  if (/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\p{Bidi_Control}\u00ad\u200b\u2060\ufeff]/u.test(text)) return null;
  const name = text.normalize('NFC').trim().replace(/\s+/g, ' ');
  const isReserved = /^(worker|desk|policy:.*)$/iu.test(name);
  return name !== '' && Array.from(name).length <= 128 && !isReserved ? name : null;
}
