import { useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useRef, useState } from 'react';
import { api, dataOf, type Review } from '../api/client';
import { reviewer } from '../reviewer';
import { isObject } from './answer';
import { reviewQuery } from './review-data';

/** How long one may pause while typing before the draft goes to the server, in milliseconds. */
const TYPING_PAUSE = 800;
/** Drafts that this browser keeps at most: the newest. */
const MOST_KEPT = 50;
const PREFIX = 'hitl.draft.';

export interface Draft {
  text: string;
  /** The revision that it was begun on. */
  revision: number;
  at: number;
}

const keyOf = (id: string): string => `${PREFIX}${reviewer()}.${id}`;

function isDraft(value: unknown): value is Draft {
  return (
    isObject(value) &&
    typeof value.text === 'string' &&
    typeof value.revision === 'number' &&
    typeof value.at === 'number'
  );
}

/** The draft that this browser keeps for a job, whatever has crashed since. */
function kept(key: string): Draft | null {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(key) ?? 'null');
    return isDraft(value) ? value : null;
  } catch {
    return null;
  }
}

function keep(key: string, draft: Draft): void {
  const others = Object.keys(localStorage).filter((name) => name.startsWith(PREFIX) && name !== key);
  if (others.length >= MOST_KEPT) {
    const oldest = others.sort((a, b) => (kept(a)?.at ?? 0) - (kept(b)?.at ?? 0));
    for (const name of oldest.slice(0, others.length - MOST_KEPT + 1)) localStorage.removeItem(name);
  }
  try {
    localStorage.setItem(key, JSON.stringify(draft));
  } catch {
    // Too large for this browser: the server has it.
  }
}

export interface Drafting {
  /** What was found from before; null: nothing, or not yet. */
  found: Draft | null;
  /** Where the newest text is. */
  state: 'none' | 'here' | 'saved';
  save: (text: string) => void;
  discard: () => void;
}

/** Keeps what a reviewer writes for a job: at once in this browser, and soon on the server. */
export function useDraft({ id, revision, draft_saved_at }: Review): Drafting {
  const client = useQueryClient();
  const key = keyOf(id);
  const [found, setFound] = useState<Draft | null>(() => kept(key));
  const [state, setState] = useState<Drafting['state']>('none');
  const pending = useRef<Draft | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const wrote = useRef(false);
  const isSaved = draft_saved_at !== null;

  useEffect(() => {
    if (!isSaved || wrote.current) return undefined;
    let left = false;
    const read = async (): Promise<void> => {
      const {
        revision: begun,
        content,
        updated_at,
      } = await dataOf(api.GET('/v1/reviews/{id}/draft', { params: { path: { id } } }));
      const at = Date.parse(updated_at);
      if (left || wrote.current || !isObject(content) || typeof content.text !== 'string') return;
      const draft = { text: content.text, revision: begun, at };
      setFound((here) => (here === null || here.at < at ? draft : here));
    };
    // The server is away: then there is what this browser has.
    read().catch(() => undefined);
    return () => {
      left = true;
    };
  }, [id, isSaved]);

  const flush = useCallback(
    async (keepalive = false) => {
      clearTimeout(timer.current);
      const draft = pending.current;
      if (draft === null) return;
      pending.current = null;
      const isNewest = (): boolean => pending.current === null;
      try {
        const body = { revision: draft.revision, content: { text: draft.text } };
        // A browser lets only 64 KiB outlive a page; the rest is kept here.
        const outlives = keepalive && draft.text.length < 15_000;
        await dataOf(
          api.PUT('/v1/reviews/{id}/draft', { params: { path: { id } }, body, keepalive: outlives }),
        );
        if (isNewest()) setState('saved');
      } catch {
        pending.current ??= draft;
      }
    },
    [id],
  );

  useEffect(() => {
    const onHide = (): void => {
      if (document.hidden) void flush(true);
    };
    const onOnline = (): void => void flush();
    document.addEventListener('visibilitychange', onHide);
    window.addEventListener('online', onOnline);
    return () => {
      document.removeEventListener('visibilitychange', onHide);
      window.removeEventListener('online', onOnline);
      void flush(true);
    };
  }, [flush]);

  const save = useCallback(
    (text: string) => {
      wrote.current = true;
      const draft = { text, revision, at: Date.now() };
      keep(key, draft);
      pending.current = draft;
      setState('here');
      clearTimeout(timer.current);
      timer.current = setTimeout(() => void flush(), TYPING_PAUSE);
    },
    [key, revision, flush],
  );

  const discard = useCallback(() => {
    clearTimeout(timer.current);
    wrote.current = true;
    pending.current = null;
    localStorage.removeItem(key);
    setFound(null);
    setState('none');
    client.setQueryData(reviewQuery(id).queryKey, (review) => review && { ...review, draft_saved_at: null });
    api.DELETE('/v1/reviews/{id}/draft', { params: { path: { id } } }).catch(() => undefined);
  }, [client, id, key]);

  return { found, state, save, discard };
}

/** Forgets the draft of a job that is decided: the server does the same. */
export function forgetDraft(id: string): void {
  localStorage.removeItem(keyOf(id));
}
