import { useCallback, useState } from 'react';
import { isObject } from '../../json/source';

/** What one has written in the forms of a job. */
export interface Words {
  code: string | null;
  reason: string;
  message: string;
  feedback: string;
  note: string;
}

const NONE: Words = { code: null, reason: '', message: '', feedback: '', note: '' };

const keyOf = (id: string): string => `hitl.words.${id}`;

function kept(id: string): Words {
  try {
    const value: unknown = JSON.parse(sessionStorage.getItem(keyOf(id)) ?? 'null');
    return isObject(value) ? { ...NONE, ...value } : NONE;
  } catch {
    return NONE;
  }
}

/** Keeps the words of a job's forms while they are closed, or one is elsewhere, as long as the tab is open. */
export function useWords(id: string): [Words, (change: Partial<Words>) => void] {
  const [words, setWords] = useState(() => kept(id));
  const change = useCallback(
    (some: Partial<Words>) => {
      const next = { ...kept(id), ...some };
      try {
        sessionStorage.setItem(keyOf(id), JSON.stringify(next));
      } catch {
        // No room: they are kept until one leaves the job.
      }
      setWords((before) => ({ ...before, ...some }));
    },
    [id],
  );
  return [words, change];
}

/** Forgets the words for a job that is decided. */
export function forgetWords(id: string): void {
  sessionStorage.removeItem(keyOf(id));
}
