import { describe, expect, it } from '@jest/globals';
import {
  chordOf,
  commandsOf,
  COMMANDS,
  keymapOf,
  moveOf,
  printed,
  DEFAULT_KEYS,
  type Press,
} from './commands';

const press = (key: string, held: Partial<Press> = {}): Press => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  shiftKey: false,
  ...held,
});

describe('a key press', () => {
  it.each([
    ['a', {}, 'a'],
    ['A', {}, 'a'],
    ['A', { shiftKey: true }, 'Shift+a'],
    ['?', { shiftKey: true }, '?'],
    ['/', {}, '/'],
    ['Enter', { ctrlKey: true }, 'Mod+Enter'],
    ['Enter', { metaKey: true }, 'Mod+Enter'],
    ['Enter', { shiftKey: true }, 'Shift+Enter'],
    ['@', { ctrlKey: true, altKey: true }, '@'],
    ['Shift', { shiftKey: true }, null],
  ])('%s with %j is %s', (key, held, chord) => {
    expect(chordOf(press(key, held))).toBe(chord);
  });

  it('means the command whose key it is', () => {
    expect(commandsOf('a', DEFAULT_KEYS)).toEqual(['approve']);
    expect(commandsOf('Mod+Enter', DEFAULT_KEYS)).toEqual(['save']);
    expect(commandsOf('ArrowDown', DEFAULT_KEYS)).toEqual([]);
    expect(commandsOf('q', DEFAULT_KEYS)).toEqual([]);
  });

  it('means the move that it shows where it is an arrow', () => {
    expect(['ArrowDown', 'ArrowUp', 'ArrowLeft', 'Shift+ArrowDown'].map(moveOf)).toEqual([
      'next',
      'previous',
      null,
      null,
    ]);
  });

  it('means what a remapped key says, and no more what it said before', () => {
    const keymap = keymapOf('{"approve":"y"}');
    expect(commandsOf('y', keymap)).toEqual(['approve']);
    expect(commandsOf('a', keymap)).toEqual([]);
  });
});

describe('the usual keys', () => {
  it('are one command each', () => {
    const keys = Object.values(DEFAULT_KEYS);
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys).toHaveLength(Object.keys(COMMANDS).length);
  });

  it.each([null, 'no JSON', '[]', '7', 'null', '{"approve":7,"fly":"y"}'])(
    'stay where %j is all that was kept',
    (kept) => {
      expect(keymapOf(kept)).toEqual(DEFAULT_KEYS);
    },
  );
});

it('prints chords as the keyboard has them', () => {
  expect([printed('Mod+Enter', false), printed('Mod+Enter', true), printed('a', false)]).toEqual([
    'Ctrl+↵',
    '⌘↵',
    'A',
  ]);
});
