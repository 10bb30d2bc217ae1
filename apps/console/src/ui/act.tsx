import type { ReactNode } from 'react';
import { Button } from './button';
import { tell } from './messages';
import { ariaOf, printed, type Command } from '../keys/commands';
import { isMac, useKeymap, useKeys } from '../keys/use-keys';

/** The key of a command, as it is printed. */
export function Key({ of: command }: { of: Command }) {
  return <kbd aria-hidden="true">{printed(useKeymap()[command], isMac)}</kbd>;
}

interface ActProps {
  command: Command;
  onAct: () => void;
  children: ReactNode;
  /** Why it cannot be done now: told to whoever tries. null: it can. */
  why?: string | null;
  /** Whether it is out of use, and its key free for something else on the page. */
  disabled?: boolean;
  /** Whether it is switched on, for what can be. */
  pressed?: boolean;
  look?: 'plain' | 'good' | 'bad' | 'quiet';
  title?: string;
}

/** A button that shows its key, and the key: one is never there without the other. */
export function Act({
  command,
  onAct,
  children,
  why = null,
  disabled = false,
  pressed,
  look = 'plain',
  title,
}: ActProps) {
  const keymap = useKeymap();
  const act = why === null ? onAct : () => tellWhy(why);
  useKeys(disabled ? {} : { [command]: act }, false);
  return (
    <Button
      look={look}
      onClick={act}
      disabled={disabled}
      aria-disabled={why !== null || undefined}
      aria-pressed={pressed}
      aria-keyshortcuts={ariaOf(keymap[command])}
      title={why ?? title}
    >
      <span>{children}</span>
      <Key of={command} />
    </Button>
  );
}

/** Tells why something was not done, once however often it is tried. */
export function tellWhy(text: string): void {
  tell({ text, kind: 'why' });
}
