import { useState } from 'react';
import { chordOf, COMMANDS, printed, DEFAULT_KEYS, type Command } from '../keys/commands';
import { isMac, setKeymap, useKeymap } from '../keys/use-keys';
import { Button } from '../ui/button';
import { CloseDialog, Dialog } from '../ui/dialog';

/** All keys, and a way to change each: choose one, then press another. */
export function HelpDialog({ onClose }: { onClose: () => void }) {
  const keymap = useKeymap();
  const [changing, setChanging] = useState<Command | null>(null);
  const commands = Object.entries(COMMANDS) as [Command, readonly [string, string]][];
  const holderOf = (chord: string, but: Command): string | undefined =>
    commands.find(([command]) => command !== but && keymap[command] === chord)?.[1][1];
  return (
    <Dialog title="Keys" onClose={onClose} width="max-w-xl">
      <p className="text-dim">
        Shortcuts work wherever you are not typing. To change one, choose it and press the new key.
      </p>
      <ul className="grid gap-x-6 gap-y-1 sm:grid-cols-2">
        {commands.map(([command, [, name]]) => {
          const taken = holderOf(keymap[command], command);
          return (
            <li key={command} className="flex items-center justify-between gap-3">
              <span>
                {name}
                {taken !== undefined && <span className="block text-xs text-bad">also: {taken}</span>}
              </span>
              <Button
                aria-label={`Change the key for: ${name}, now ${keymap[command]}`}
                onClick={() => setChanging(command)}
                onBlur={() => setChanging(null)}
                onKeyDown={(event) => {
                  if (changing !== command) return;
                  const chord = chordOf(event.nativeEvent);
                  if (chord === null || chord === 'Tab' || chord === 'Shift+Tab') return;
                  event.preventDefault();
                  event.stopPropagation();
                  setKeymap({ ...keymap, [command]: chord });
                  setChanging(null);
                }}
              >
                {changing === command ? 'press a key …' : <kbd>{printed(keymap[command], isMac)}</kbd>}
              </Button>
            </li>
          );
        })}
      </ul>
      <div className="flex justify-end gap-2">
        <Button onClick={() => setKeymap({ ...DEFAULT_KEYS })}>The usual keys</Button>
        <CloseDialog className="button accent">Close</CloseDialog>
      </div>
    </Dialog>
  );
}
