/** What can be done by keyboard, in the order of the help: its usual key and what it says there. */
export const COMMANDS = {
  next: ['j', 'Next job'],
  previous: ['k', 'Previous job'],
  open: ['Enter', 'Open the job'],
  approve: ['a', 'Approve'],
  edit: ['e', 'Edit the response'],
  save: ['Mod+Enter', 'Save and approve'],
  reject: ['r', 'Reject; then 1–9 for the reason'],
  regenerate: ['t', 'Ask the model again'],
  claim: ['c', 'Claim or release'],
  note: ['n', 'Add a note'],
  diff: ['d', "Compare with the model's response"],
  raw: ['v', 'Raw or readable'],
  result: ['p', 'What the submitter will get'],
  history: ['h', 'History'],
  select: ['x', 'Select'],
  undo: ['z', 'Undo the last decision'],
  search: ['/', 'Search'],
  leave: ['Escape', 'Leave, or back to the queue'],
  help: ['?', 'Help'],
} as const satisfies Record<string, readonly [string, string]>;

export type Command = keyof typeof COMMANDS;
export type Keymap = Record<Command, string>;

export const DEFAULT_KEYS = Object.fromEntries(
  Object.entries(COMMANDS).map(([command, [key]]) => [command, key]),
) as Keymap;

/** The part of a keyboard event that says what was pressed. */
export interface Press {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
}

/**
 * A key press as the keymap writes it: `a`, `?`, `Shift+x`, `Mod+Enter` (Ctrl, or ⌘ on a Mac). Caps lock does not
 * matter; other layouts do, since it is the character that counts. Null for a modifier alone.
 */
export function chordOf({ key, ctrlKey, metaKey, altKey, shiftKey }: Press): string | null {
  if (['Control', 'Meta', 'Alt', 'AltGraph', 'Shift', 'CapsLock', 'Dead', 'Unidentified'].includes(key))
    return null;
  const isLetter = /^\p{L}$/u.test(key);
  const name = isLetter ? key.toLowerCase() : key === ' ' ? 'Space' : key;
  // Other characters need Shift or AltGr on some keyboards: they are what they are.
  const plain = key.length === 1 && !isLetter;
  return [
    ...((ctrlKey && !(plain && altKey)) || metaKey ? ['Mod'] : []),
    ...(altKey && !plain ? ['Alt'] : []),
    ...(shiftKey && !plain ? ['Shift'] : []),
    name,
  ].join('+');
}

/** The commands that a press stands for. */
export function commandsOf(chord: string, keymap: Keymap): Command[] {
  return (Object.keys(keymap) as Command[]).filter((command) => keymap[command] === chord);
}

/** Where an arrow moves to in a list, unless the keymap means something else by it; null: this is no such arrow. */
export function moveOf(chord: string): 'next' | 'previous' | null {
  return chord === 'ArrowDown' ? 'next' : chord === 'ArrowUp' ? 'previous' : null;
}

/** A chord as it is printed on a button. */
export function printed(chord: string, isMac: boolean): string {
  return chord
    .split('+')
    .map((part) => {
      if (part === 'Mod') return isMac ? '⌘' : 'Ctrl';
      if (part === 'Enter') return '↵';
      if (part === 'Escape') return 'Esc';
      return part.length === 1 ? part.toUpperCase() : part;
    })
    .join(isMac ? '' : '+');
}

/** A chord as `aria-keyshortcuts` writes it. */
export function ariaOf(chord: string): string {
  return chord.replace('Mod', 'Control');
}

/** What is kept of a changed keymap, read with care: an older version, or somebody, may have written it. */
export function keymapOf(kept: string | null): Keymap {
  try {
    const changes = JSON.parse(kept ?? '{}') as Record<string, unknown>;
    const keymap = { ...DEFAULT_KEYS };
    for (const command of Object.keys(DEFAULT_KEYS) as Command[]) {
      const chord = changes[command];
      if (typeof chord === 'string' && chord.length > 0 && chord.length < 30) keymap[command] = chord;
    }
    return keymap;
  } catch {
    return { ...DEFAULT_KEYS };
  }
}
