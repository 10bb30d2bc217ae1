import { useEffect, useRef, type RefObject } from 'react';
import { createStore, useStore } from '../store/store';
import { chordOf, commandsOf, keymapOf, moveOf, type Command, type Keymap } from './commands';

const KEY = 'hitl.keys';

export type Handlers = Partial<Record<Command, () => void>>;

interface Scope {
  handlers: Handlers;
  /** Whether the arrows move here: in lists they do, while they never press a button. */
  arrows: boolean;
}

/** Handlers that are on the page, the newest last: it is asked first. */
const scopes: { current: Scope }[] = [];
const keymap = createStore(keymapOf(localStorage.getItem(KEY)));

export const isMac = /Mac|iPhone|iPad/.test(navigator.userAgent);

export function setKeymap(next: Keymap): void {
  localStorage.setItem(KEY, JSON.stringify(next));
  keymap.set(next);
}

export function useKeymap(): Keymap {
  return useStore(keymap);
}

/**
 * Runs these while the component is on the page. Who came last wins.
 * @param arrows whether the arrows down and up mean next and previous, too
 */
export function useKeys(handlers: Handlers, arrows = true): void {
  const scope = useRef({ handlers, arrows });
  useEffect(() => {
    scope.current = { handlers, arrows };
  });
  useEffect(() => {
    scopes.push(scope);
    return () => {
      scopes.splice(scopes.indexOf(scope), 1);
    };
  }, []);
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (
    target.isContentEditable ||
    target instanceof HTMLTextAreaElement ||
    target instanceof HTMLSelectElement
  )
    return true;
  return target instanceof HTMLInputElement && !['checkbox', 'radio', 'button'].includes(target.type);
}

/** The key that ran a command and is still down. Its repeats run no other command, and are not typed anywhere. */
let heldCode: string | null = null;

/** Listens for the whole page. While one types only chords with Mod are heard, and Escape leaves the field; in dialogs nothing is. */
export function startKeys(): void {
  document.addEventListener(
    'keydown',
    (event) => {
      if (!event.repeat) heldCode = null;
      else if (heldCode !== null && event.code === heldCode) {
        event.preventDefault();
        event.stopImmediatePropagation();
      }
    },
    true,
  );
  document.addEventListener('keyup', (event) => {
    if (event.code === heldCode) heldCode = null;
  });
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    const chord = chordOf(event);
    const target = event.target instanceof HTMLElement ? event.target : null;
    if (chord === null || target?.closest('[role=dialog],[role=alertdialog],[role=menu],[role=listbox]'))
      return;
    if (isTyping(target)) {
      // Leaving a field comes before leaving anything else. What it holds stays: a browser would empty a search field.
      if (chord === 'Escape') {
        event.preventDefault();
        target?.blur();
      }
      if (!chord.startsWith('Mod+')) return;
    }
    // A button that has the focus is what Enter means.
    if (chord === 'Enter' && target?.closest('button,a,summary,[role=checkbox]')) return;
    const commands = commandsOf(chord, keymap.get());
    const move = commands.length === 0 ? moveOf(chord) : null;
    for (const command of move === null ? commands : [move]) {
      if (event.repeat && command !== 'next' && command !== 'previous') continue;
      const scope = scopes.findLast(
        ({ current }) => current.handlers[command] !== undefined && (move === null || current.arrows),
      );
      if (!scope) continue;
      event.preventDefault();
      if (command !== 'next' && command !== 'previous') heldCode = event.code || null;
      scope.current.handlers[command]?.();
      return;
    }
  });
}

/** Calls with 1 to 9 when one of these is pressed, unless one types. */
export function useDigits(onDigit: (digit: number) => void): void {
  const latest = useRef(onDigit);
  useEffect(() => {
    latest.current = onDigit;
  });
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => {
      if (isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
      if (/^[1-9]$/.test(event.key)) latest.current(Number(event.key));
    };
    document.addEventListener('keydown', listen);
    return () => {
      document.removeEventListener('keydown', listen);
    };
  }, []);
}

/** While it is on the page, letters that are typed outside of any field go into this one instead of running commands. */
export function useTypedInto(field: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => {
      const { target, key } = event;
      if (isTyping(target) || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
      if (!/^[^\d\s]$/u.test(key)) return;
      if (target instanceof HTMLElement && target.closest('[role=dialog],[role=alertdialog]')) return;
      // The letter itself follows the focus.
      field.current?.focus();
      event.stopImmediatePropagation();
    };
    document.addEventListener('keydown', listen, true);
    return () => {
      document.removeEventListener('keydown', listen, true);
    };
  }, [field]);
}
