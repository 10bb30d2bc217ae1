import { reviewer } from '../../api/reviewer';
import { isObject } from '../../json/source';
import type { KeptDraft } from './compare-drafts';

/** Drafts that this browser keeps at most: the newest. */
const MAX_KEPT = 50;
const PREFIX = 'hitl.draft.';

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
  if (others.length >= MAX_KEPT) {
    const oldest = others.sort((a, b) => (read(a)?.at ?? 0) - (read(b)?.at ?? 0));
    for (const name of oldest.slice(0, others.length - MAX_KEPT + 1)) localStorage.removeItem(name);
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
