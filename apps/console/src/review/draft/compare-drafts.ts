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
