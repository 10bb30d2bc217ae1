import type { ReactNode } from 'react';
import { ariaOf, printed, type Command } from './commands';
import { isMac, useKeymap, useKeys } from './use-keys';

/** The key of a command, as it is printed. */
export function Key({ of: command }: { of: Command }) {
  return <kbd aria-hidden="true">{printed(useKeymap()[command], isMac)}</kbd>;
}

interface ActProps {
  command: Command;
  onAct: () => void;
  children: ReactNode;
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
  disabled = false,
  pressed,
  look = 'plain',
  title,
}: ActProps) {
  const keymap = useKeymap();
  useKeys(disabled ? {} : { [command]: onAct }, false);
  return (
    <button
      type="button"
      className={`button ${look}`}
      onClick={onAct}
      disabled={disabled}
      aria-pressed={pressed}
      aria-keyshortcuts={ariaOf(keymap[command])}
      title={title}
    >
      <span>{children}</span>
      <Key of={command} />
    </button>
  );
}
