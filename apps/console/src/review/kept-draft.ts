import { reviewer } from '../reviewer';
import { isObject } from './answer';

/** Drafts that this browser keeps at most: the newest. */
const MOST_KEPT = 50;
const PREFIX = 'hitl.draft.';

export interface Draft {
  text: string;
  /** The revision that it was begun on. */
  revision: number;
}

/** A draft as the server has it. */
export interface SavedDraft extends Draft {
  /** When, by the server's clock. */
  savedAt: string;
}

/** A draft as this browser has it. */
export interface KeptDraft extends Draft {
  /** When, by this browser's clock, in milliseconds since 1970. */
  at: number;
  /** When the server saved what this goes on from, by its own clock; null: it has not. */
  savedAt: string | null;
  /** Whether the server has it just as it is. */
  isSaved: boolean;
}

const keyOf = (id: string): string => `${PREFIX}${reviewer()}.${id}`;

function read(key: string): KeptDraft | null {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(key) ?? 'null');
    if (!isObject(value)) return null;
    const { text, revision, at, savedAt, isSaved } = value;
    if (typeof text !== 'string' || typeof revision !== 'number' || typeof at !== 'number') return null;
    return {
      text,
      revision,
      at,
      savedAt: typeof savedAt === 'string' ? savedAt : null,
      isSaved: isSaved === true,
    };
  } catch {
    return null;
  }
}

/** The draft that this browser keeps for a job, whatever has crashed since. */
export function keptDraft(id: string): KeptDraft | null {
  return read(keyOf(id));
}

/** Keeps a draft instead of an earlier one. */
export function keepDraft(id: string, draft: KeptDraft): void {
  const key = keyOf(id);
  const others = Object.keys(localStorage).filter((name) => name.startsWith(PREFIX) && name !== key);
  if (others.length >= MOST_KEPT) {
    const oldest = others.sort((a, b) => (read(a)?.at ?? 0) - (read(b)?.at ?? 0));
    for (const name of oldest.slice(0, others.length - MOST_KEPT + 1)) localStorage.removeItem(name);
  }
  try {
    localStorage.setItem(key, JSON.stringify(draft));
  } catch {
    // Too large for this browser: the server has it.
  }
}

/** Forgets the draft of a job that is decided: the server does the same, once the decision takes effect. */
export function forgetDraft(id: string): void {
  localStorage.removeItem(keyOf(id));
}

/** Whether the server has saved something since this browser did: its own two times are compared, never two clocks. */
export function isNewer(savedAt: string, here: KeptDraft | null): boolean {
  return here?.savedAt == null || Date.parse(savedAt) > Date.parse(here.savedAt);
}

/**
 * What the server's draft is to the one here: older; the same; newer, with all that was written here in the server's
 * hands; or a conflict, since what is here never got there.
 */
export function compareDrafts(
  saved: SavedDraft,
  here: KeptDraft | null,
): 'older' | 'same' | 'newer' | 'conflict' {
  if (here === null) return 'newer';
  if (!isNewer(saved.savedAt, here)) return 'older';
  if (saved.text === here.text && saved.revision === here.revision) return 'same';
  return here.isSaved ? 'newer' : 'conflict';
}
