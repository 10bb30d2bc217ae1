import { describe, expect, it } from '@jest/globals';
import { COMMANDS } from './commands';
import { readCommand, usageOf } from './usage.mjs';

const ALL = Object.keys(COMMANDS).join(', ');

describe('the commands', () => {
  it('are read with what they take', () => {
    expect(readCommand(['migrate'])).toEqual({ name: 'migrate', args: [] });
    expect(readCommand(['audit', 'verify', '--job', '7'])).toEqual({
      name: 'audit verify',
      args: ['--job', '7'],
    });
  });

  it.each(Object.keys(COMMANDS) as (keyof typeof COMMANDS)[])('%s answers --help', (name) => {
    const asked = readCommand([...name.split(' '), '--help']);
    expect(asked).toEqual({ said: expect.stringContaining(`${usageOf(name)}\n`), code: 0 });
    expect(usageOf(name)).toMatch(new RegExp(`^Usage: npm run hitl -- ${name}`));
  });

  it('are listed by --help', () => {
    const all = readCommand(['--help']);
    for (const name of Object.keys(COMMANDS)) {
      expect(all).toEqual({ said: expect.stringContaining(`\n${name}`), code: 0 });
    }
  });

  it.each([
    [[], `Say what to do: ${ALL}. (npm run hitl -- --help)`],
    [['audit', 'repair'], `There is no command «audit repair»: ${ALL}. (npm run hitl -- --help)`],
  ])('refuse %j in one line', (words, said) => {
    expect(readCommand(words)).toEqual({ said, code: 2 });
  });
});
